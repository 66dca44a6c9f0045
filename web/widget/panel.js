/** The panel's elements, and their labels in the person's language. */

import { icon, make } from './dom.js';

/** @typedef {import('./words.js').Words} Words */

const HANDSET = 'M2.5 14.5c5-6 14-6 19 0L19 17l-3.5-2v-2.5q-3.5-1-7 0V15L5 17Z';
const MICROPHONE = 'M12 3.5a3 3 0 0 0-3 3V11a3 3 0 0 0 6 0V6.5a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5v3';

/** The parts that are always there; rarely used ones are added when needed. */
export class Panel {
  /** @type {((words: Words) => void)[]} */
  #labels = [];
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
  /** @type {(() => void) | null} closes what is shown in place of the conversation */
  leave = null;
  element = make('section', 'panel', { 'aria-labelledby': 'title', tabindex: '-1', hidden: '' });

  /**
   * @param {HTMLElement} visualizer
   * @param {import('./log.js').Log} log
   */
  constructor(visualizer, { list, announcer }) {
    this.send.type = 'submit';
    this.element.append(
      this.header, visualizer, this.notice, list, this.error, this.composer, this.controls,
      make('div', 'footer', {}, make('slot', '', { name: 'footer' })), announcer,
    );
    this.#labels.push((words) => {
      this.title.textContent = words.text('title');
      list.ariaLabel = words.text('log');
      this.field.ariaLabel = words.text('message');
      this.field.placeholder = words.text('message.hint');
    });
  }

  /** @param {Words} words */
  translate(words) {
    for (const label of this.#labels) label(words);
  }

  /** @param {'start' | 'again' | 'cancel' | 'end'} action @param {Words} words the main button's action */
  offer(action, words) {
    const label = words.text(action);
    if (this.start.textContent === label) return; // or a screen reader would read it out again
    const ends = action === 'cancel' || action === 'end';
    this.start.className = ends ? 'start end' : 'start';
    this.start.setAttribute('part', this.start.className);
    this.start.replaceChildren(icon(ends ? HANDSET : MICROPHONE), make('span', '', {}, label));
  }

  /**
   * Shows a box in place of the conversation until it is settled, or closed with Escape.
   * @template Answer
   * @param {HTMLElement} box
   * @param {(settle: (answer: Answer | null) => void) => void} wire
   * @returns {Promise<Answer | null>} null if it was closed
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
   * @param {string} name of its part
   * @param {string[]} paths of its icon, and of one for the pressed state
   * @param {string} [key] of its label
   */
  button(name, paths, key = name) {
    const label = make('span', '');
    this.#labels.push((words) => {
      button.title = label.textContent = words.text(key);
    });
    const button = make('button', name, { type: 'button' }, ...paths.map(icon), label);
    return button;
  }
}
