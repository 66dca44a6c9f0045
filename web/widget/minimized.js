/** What the button shows while a conversation continues behind it; loaded when the panel is first minimized. */

import { icon, make } from './dom.js';
import { addStyles } from './extra-styles.js';
import { rareWords } from './rare-words.js';

/** @typedef {import('./element.js').LiveAgent} LiveAgent */

const MICROPHONE = 'M12 3.5a3 3 0 0 0-3 3V11a3 3 0 0 0 6 0V6.5a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5v3';
const HANDSET = 'M2.5 14.5c5-6 14-6 19 0L19 17l-3.5-2v-2.5q-3.5-1-7 0V15L5 17Z';

/** @type {WeakMap<LiveAgent, Sign>} */
const signs = new WeakMap();

/**
 * Says beside the button, until the panel is opened or the conversation ends, that it is an AI and whether it hears the
 * person, and offers to hang up.
 * @param {LiveAgent} agent
 * @param {HTMLElement} launcher
 * @param {import('./words.js').Words} common
 * @param {() => boolean | undefined} silenced whether the microphone was muted by its switch or by the system
 * @throws {import('../live/errors.js').LiveError} `page-incomplete`
 */
export async function sign(agent, launcher, common, silenced) {
  const words = await rareWords(common);
  const shown = signs.get(agent) ?? new Sign(agent, launcher);
  signs.set(agent, shown);
  const { voiced = false, muted = false } = agent.session ?? {};
  shown.write(words, voiced && !muted && !silenced());
}

class Sign {
  #agent;
  #launcher;
  #sentence = make('span', 'minimized');
  #end = make('button', 'hang-up', { type: 'button' }, icon(HANDSET));

  /** @param {LiveAgent} agent @param {HTMLElement} launcher */
  constructor(agent, launcher) {
    this.#agent = agent;
    this.#launcher = launcher;
    launcher.append(this.#sentence);
    launcher.after(this.#end);
    addStyles(this.#end);
    this.#end.addEventListener('click', () => agent.stop());
    for (const type of ['state', 'toggle']) agent.addEventListener(`live-agent-${type}`, () => this.#update());
  }

  /** @param {import('./words.js').Words} words @param {boolean} hears */
  write(words, hears) {
    this.#sentence.replaceChildren(icon(hears ? MICROPHONE : `${MICROPHONE}M4 3l16 18`), words.text(hears ? 'minimized.on' : 'minimized.off'));
    this.#end.ariaLabel = this.#end.title = words.text('end');
    this.#update();
  }

  #update() {
    const { state, open, shadowRoot } = this.#agent;
    const wanted = !open && (state === 'live' || state === 'resuming');
    if (!wanted && shadowRoot?.activeElement === this.#end) this.#launcher.focus();
    this.#sentence.hidden = this.#end.hidden = !wanted;
  }
}
