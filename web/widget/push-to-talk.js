/** Push to talk, by a button or the space bar. */

/** Unmutes while held. The space bar works wherever it has no other use in the widget. */
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

  /** @param {boolean} wanted whether there is a conversation with push to talk */
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
    // Without a way to hold (screen reader, switch, Enter) a click turns it on and off.
    this.#button.addEventListener('click', ({ detail }) => detail === 0 && this.#hold(this.#button.ariaPressed === 'false'), { signal });
    this.#button.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });
    // Wherever the pointer or the focus goes meanwhile, nobody may be heard without knowing.
    const page = this.#button.ownerDocument.defaultView ?? window;
    for (const end of ['pointerup', 'pointercancel', 'blur']) page.addEventListener(end, release, { signal });
    page.addEventListener('keydown', (event) => this.#isForTalking(event) && press(), { signal });
    const lift = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== ' ') return;
      this.#isForTalking(event);
      release();
    };
    // Also where it goes no further, as in a field.
    page.addEventListener('keyup', lift, { signal, capture: true });
  }

  /** @param {KeyboardEvent} event */
  #isForTalking(event) {
    if (event.key !== ' ' || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return false;
    const path = event.composedPath();
    if (!path.includes(this.#agent)) return false;
    const [target] = path;
    const takesSpace = 'button, a, input, textarea, select, summary, video, audio, [contenteditable], [tabindex="0"]';
    if (target instanceof Element && target !== this.#button && target.closest(takesSpace)) return false;
    event.preventDefault(); // or the page would scroll, or the button be clicked
    return true;
  }

  /** @param {boolean} held */
  #hold(held) {
    this.#button.ariaPressed = String(held);
    this.#agent.mute(!held);
  }
}
