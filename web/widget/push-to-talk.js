/** Talking while something is held: a button, or the space bar. */

/** Unmutes while held. The space bar counts wherever it has nothing else to do. */
export class PushToTalk {
  #agent;
  #button;
  /** @type {AbortController | null} */
  #watch = null;

  /**
   * @param {import('./element.js').LiveAgent} agent
   * @param {HTMLButtonElement} button
   */
  constructor(agent, button) {
    this.#agent = agent;
    this.#button = button;
    button.ariaPressed = 'false';
  }

  /** @param {boolean} wanted whether there is a conversation to be talked into this way */
  enable(wanted) {
    if (wanted === (this.#watch !== null)) return;
    this.#watch?.abort();
    this.#watch = null;
    if (!wanted) {
      this.#hold(false);
      return;
    }
    this.#watch = new AbortController();
    const { signal } = this.#watch;
    const press = () => this.#hold(true);
    const release = () => this.#hold(false);
    this.#button.addEventListener('pointerdown', press, { signal });
    // Who cannot hold (a screen reader, a switch, Enter) turns it on and off.
    this.#button.addEventListener('click', ({ detail }) => detail === 0 && this.#hold(this.#button.ariaPressed === 'false'), { signal });
    this.#button.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });
    // Wherever the pointer, the key or the window goes meanwhile, nobody may be heard unawares.
    for (const end of ['pointerup', 'pointercancel', 'blur']) addEventListener(end, release, { signal });
    addEventListener('keydown', (event) => this.#spaceMeant(event) && press(), { signal });
    const lift = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== ' ') return;
      this.#spaceMeant(event);
      release();
    };
    addEventListener('keyup', lift, { signal });
  }

  /** @param {KeyboardEvent} event */
  #spaceMeant(event) {
    if (event.key !== ' ' || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return false;
    const [target] = event.composedPath();
    const takesSpace = 'button, a, input, textarea, select, summary, video, audio, [contenteditable], [tabindex="0"]';
    if (target instanceof Element && target !== this.#button && target.closest(takesSpace)) return false;
    event.preventDefault(); // else the page would scroll, or the button be pressed once more
    return true;
  }

  /** @param {boolean} held */
  #hold(held) {
    this.#button.ariaPressed = String(held);
    this.#agent.mute(!held);
  }
}
