/** What the panel is made of: its elements, and the names that they have in the person's language. */

import { icon, make } from './dom.js';

/** @typedef {import('./words.js').Words} Words */

const HANDSET =
  'M3.2 13.400c4.8-4.6 12.8-4.6 17.6 0 .7.7.6 1.9-.2 2.500l-1.8 1.300a1.6 1.6 0 0 1-2.3-.4l-.9-1.600a1.6 1.6 0 0 0-1.3-.8 18 18 0 0 0-4.6 0 1.6 1.6 0 0 0-1.3.8l-.9 1.600a1.6 1.6 0 0 1-2.3.4l-1.8-1.300a1.7 1.7 0 0 1-.2-2.500Z';
const MICROPHONE = 'M12 3.500a3 3 0 0 0-3 3V11a3 3 0 0 0 6 0V6.500a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.500v3';

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
  send = this.#button('send', 'M12 20V5M5.5 11 12 4.500l6.5 6.5');
  composer = make('form', 'composer', {}, this.field, this.send);
  start = make('button', 'start', { type: 'button' });
  talk = this.#button('talk', MICROPHONE);
  mute = this.#button('mute', 'M9 9v2a3 3 0 0 0 4.6 2.500M15 11V6.500a3 3 0 0 0-5.7-1.300M5.5 11A6.5 6.5 0 0 0 16 16.200M18.5 11q0 1-.3 2M12 17.500v3M4 3l16 18');
  camera = this.#button('camera', 'M5 6.500h8a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2ZM15 11l6-3v8l-6-3');
  screen = this.#button('screen', 'M5 4.500h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2ZM8.5 20h7M12 13.500v-6M9.5 9.5 12 7l2.5 2.5');
  settings = this.#button('settings', 'M4 7h9M19 7h1M4 17h1M11 17h9M16 4.500a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM8 14.500a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5Z');
  collapse = this.#button('collapse', 'm6 9 6 6 6-6');
  header = make(
    'header', 'header', {},
    make('div', 'heading', {}, make('h2', 'title', { id: 'title' }, make('slot', '', { name: 'title' }, this.title)), this.status),
    this.left, this.collapse,
  );
  controls = make('div', 'controls', {}, this.talk, this.mute, this.camera, this.screen, this.start);
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
    const hangsUp = action === 'cancel' || action === 'end';
    this.start.className = hangsUp ? 'start end' : 'start';
    this.start.setAttribute('part', this.start.className);
    this.start.replaceChildren(icon(hangsUp ? HANDSET : MICROPHONE), make('span', '', {}, words.say(action)));
  }

  /**
   * Shows something in place of the conversation, until it is settled.
   * @template Answer
   * @param {HTMLElement} box
   * @param {(settle: (answer: Answer) => void) => void} wire
   * @returns {Promise<Answer>}
   */
  over(box, wire) {
    this.element.dataset.over = '';
    this.header.after(box);
    return new Promise((resolve) => {
      wire((answer) => {
        box.remove();
        delete this.element.dataset.over;
        resolve(answer);
      });
      box.querySelector('h3')?.focus();
    });
  }

  /** @param {string} name its part, and the key of its words @param {string} path */
  #button(name, path) {
    const label = make('span', '');
    this.#named.push((words) => {
      label.textContent = words.say(name);
      button.title = words.say(name);
    });
    const button = make('button', name, { type: 'button' }, icon(path), label);
    return button;
  }
}
