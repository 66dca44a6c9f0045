/** The transcript: on the screen as it happens, for a screen reader once final. */

import { make } from './dom.js';

/** @typedef {import('../live/transcript.js').Utterance} Utterance */
/** @typedef {import('../live/tools.js').ToolProgress} ToolProgress */
/** @typedef {import('./words.js').Words} Words */

/** Scrolls to its end, unless the person has scrolled up to read. */
export class Log {
  // Not a live region itself, or every fragment would be read out; the announcer reads what is final.
  list = make('div', 'log', { role: 'log', 'aria-live': 'off', tabindex: '0' });
  announcer = make('p', 'unseen', { 'aria-live': 'polite' });
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();
  #following = true;

  constructor() {
    const { list } = this;
    list.addEventListener('scroll', () => {
      this.#following = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    });
    // Other parts that appear make it smaller.
    new ResizeObserver(() => this.#scroll()).observe(list);
  }

  clear() {
    this.#lines.clear();
    this.#following = true;
    this.list.replaceChildren();
    this.announce('');
  }

  /** @param {string} sentence */
  announce(sentence) {
    this.announcer.textContent = sentence;
  }

  /** @param {Utterance} utterance @param {Words} words */
  show(utterance, words) {
    const { id, side, text, typed, final, interrupted } = utterance;
    const who = words.text(side);
    const line = this.#lines.get(id) ?? this.#place(utterance);
    const said = make('span', '', { dir: 'auto' }, text);
    line.className = `utterance ${side}${interrupted ? ' interrupted' : ''}`;
    line.setAttribute('part', line.className);
    line.replaceChildren(make('span', 'unseen', {}, words.text('said', { who, text: '' })), said);
    if (interrupted) line.append(make('span', 'unseen', {}, ` (${words.text('interrupted')})`));
    this.#scroll();
    if (final && !typed && text) this.announce(words.text('said', { who, text }));
  }

  /** @param {ToolProgress} progress @param {Words} words */
  progress({ id, name, status }, words) {
    this.note(`tool ${id}`, 'tool', words.text(`tool.${status}`, { name }));
  }

  /**
   * Adds an entry of another kind, or replaces the one with the same key.
   * @param {string} key
   * @param {string} part
   * @param {(Node | string)[]} content
   */
  note(key, part, ...content) {
    const line = this.#lines.get(key) ?? this.#append(key);
    line.className = part;
    line.setAttribute('part', part);
    line.replaceChildren(...content);
    this.#scroll();
  }

  /** @param {string} key */
  #append(key) {
    const line = make('div', '');
    this.#lines.set(key, line);
    this.list.append(line);
    return line;
  }

  /**
   * Places an utterance in its turn: the words of a question often arrive after the answer has begun, and those of an
   * answer after its sources.
   * @param {Utterance} utterance
   */
  #place({ id, side, turn, typed }) {
    const line = this.#append(id);
    if (side === 'agent') {
      this.#lines.set(`answer ${turn}`, line);
      this.#lines.get(`sources ${turn}`)?.before(line);
    } else if (!typed) this.#lines.get(`answer ${turn}`)?.before(line);
    return line;
  }

  #scroll() {
    if (this.#following) this.list.scrollTop = this.list.scrollHeight;
  }
}
