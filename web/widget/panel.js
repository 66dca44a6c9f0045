/** What the panel is made of: its elements, and the names that they have in the person's language. */

import { icon, make } from './dom.js';

/** @typedef {import('./words.js').Words} Words */

const HANDSET = 'M2.5 14.5c5-6 14-6 19 0L19 17l-3.5-2v-2.5q-3.5-1-7 0V15L5 17Z';
const MICROPHONE = 'M12 3.5a3 3 0 0 0-3 3V11a3 3 0 0 0 6 0V6.5a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5v3';

/** The parts that are there from the start; what is seldom needed is added when it is. */
export class Panel {
  /** @type {((words: Words) => void)[]} */
  #named = [];
  title = make('span', '');
  status = make('p', 'status');
  left = make('p', 'left', { hidden: '' });
  notice = make('p', 'notice', { role: 'status', hidden: '' });
  sentence = make('p', '');
  remedy = make('button', 'remedy', { type: 'button' });
  error = make('div', 'error', { role: 'alert', hidden: '' }, this.sentence, this.remedy);
  field = make('textarea', 'field', { rows: '1', enterkeyhint: 'send', autocomplete: 'off' });
  send = this.button('send', ['M12 20V5M5.5 11 12 4.5l6.5 6.5']);
  voice = this.button('voice', [MICROPHONE], 'start');
  composer = make('form', 'composer', {}, this.field, this.send);
  start = make('button', 'start', { type: 'button' });
  talk = this.button('talk', [MICROPHONE]);
  mute = this.button('mute', [MICROPHONE, `${MICROPHONE}M4 3l16 18`]);
  settings = this.button('settings', ['M4 7h8m5 0h3M4 17h3m5 0h8M17 4.5v5M7 14.5v5']);
  collapse = this.button('collapse', ['m6 9 6 6 6-6']);
  header = make(
    'header', 'header', {},
    make('div', 'heading', {}, make('h2', 'title', { id: 'title' }, make('slot', '', { name: 'title' }, this.title)), this.status, ' ', this.left),
     this.settings, this.collapse,
  );
  controls = make('div', 'controls', {}, this.talk, this.voice, this.mute, this.start);
  /** @type {(() => void) | null} leaves what is shown in the conversation's place */
  leave = null;
  element = make('section', 'panel', { 'aria-labelledby': 'title', tabindex: '-1', hidden: '' });

  /**
   * @param {HTMLElement} picture
   * @param {import('./log.js').Log} log
   */
  constructor(picture, { list, announcer }) {
    this.send.type = 'submit';
    this.element.append(
      this.header, picture, this.notice, list, this.error, this.composer, this.controls,
      make('div', 'footer', {}, make('slot', '', { name: 'footer' })), announcer,
    );
    this.#named.push((words) => {
      this.title.textContent = words.say('title');
      list.ariaLabel = words.say('log');
      this.field.ariaLabel = words.say('message');
      this.field.placeholder = words.say('message.hint');
    });
  }

  /** @param {Words} words */
  translate(words) {
    for (const name of this.#named) name(words);
  }

  /** @param {'start' | 'again' | 'cancel' | 'end'} action @param {Words} words what the one button does now */
  offer(action, words) {
    const label = words.say(action);
    if (this.start.textContent === label) return; // a screen reader would read it out again
    const hangsUp = action === 'cancel' || action === 'end';
    this.start.className = hangsUp ? 'start end' : 'start';
    this.start.setAttribute('part', this.start.className);
    this.start.replaceChildren(icon(hangsUp ? HANDSET : MICROPHONE), make('span', '', {}, label));
  }

  /**
   * Shows something in place of the conversation, until it is settled, or left by Escape.
   * @template Answer
   * @param {HTMLElement} box
   * @param {(settle: (answer: Answer | null) => void) => void} wire
   * @returns {Promise<Answer | null>} null where it was left
   */
  over(box, wire) {
    this.leave?.();
    const before = /** @type {ShadowRoot} */ (this.element.getRootNode()).activeElement;
    this.element.dataset.over = '';
    this.header.after(box);
    return new Promise((resolve) => {
      /** @param {Answer | null} answer */
      const settle = (answer) => {
        box.remove();
        delete this.element.dataset.over;
        this.leave = null;
        if (before instanceof HTMLElement) before.focus();
        resolve(answer);
      };
      this.leave = () => settle(null);
      wire(settle);
      box.querySelector('h3')?.focus();
    });
  }

  /**
   * @param {string} name its part
   * @param {string[]} paths of its icon; of both, where it has one for being pressed
   * @param {string} [key] of its words
   */
  button(name, paths, key = name) {
    const label = make('span', '');
    this.#named.push((words) => {
      button.title = label.textContent = words.say(key);
    });
    const button = make('button', name, { type: 'button' }, ...paths.map(icon), label);
    return button;
  }
}
