/** The panel's elements: its buttons and their labels, the invitation, the transcript, and the picture of the voices. */

import { icon, make, setPart } from './dom.js';

/** @typedef {import('../live/transcript.js').Utterance} Utterance */
/** @typedef {import('../live/tools.js').ToolProgress} ToolProgress */
/** @typedef {import('./words.js').Words} Words */

const HANDSET = 'M2.5 14.5c5-6 14-6 19 0L19 17l-3.5-2v-2.5q-3.5-1-7 0V15L5 17Z';
const SPEAKER = 'M4 9.5v5h3.5l5 4v-13l-5 4Z';
const MICROPHONE = 'M12 3.5a3 3 0 0 0-3 3V11a3 3 0 0 0 6 0V6.5a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5v3';

/** The parts that are always there; rarely used ones are added when needed. */
export class Panel {
  /** @type {((words: Words) => void)[]} */
  #labels = [];
  title = make('span', '');
  status = make('p', 'status');
  left = make('p', 'left', { hidden: '' });
  greeting = make('p', 'greeting', { id: 'greeting' });
  privacy = make('p', 'privacy');
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
  silence = this.button('silence', [`${SPEAKER}M16 9a4 4 0 0 1 0 6`, `${SPEAKER}m12 0 5 5m0-5-5 5`]);
  settings = this.button('settings', ['M4 7h8m5 0h3M4 17h3m5 0h8M17 4.5v5M7 14.5v5']);
  collapse = this.button('collapse', ['m6 9 6 6 6-6']);
  header = make(
    'header', 'header', {},
    make('div', 'heading', {}, make('h2', 'title', { id: 'title' }, make('slot', '', { name: 'title' }, this.title)), this.status, ' ', this.left),
     this.settings, this.collapse,
  );
  controls = make('div', 'controls', {}, this.talk, this.voice, this.mute, this.silence, this.start);
  /** @type {(() => void) | null} closes what is shown in place of the conversation */
  leave = null;
  element = make('section', 'panel', { 'aria-labelledby': 'title', tabindex: '-1', hidden: '' });

  /**
   * @param {HTMLElement} visualizer
   * @param {Log} log
   */
  constructor(visualizer, { list, announcer }) {
    this.send.type = 'submit';
    this.element.append(
      this.header, this.notice, list, visualizer, this.greeting, this.privacy, this.error, this.composer, this.controls,
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
    setPart(this.start, ends ? 'start end' : 'start');
    this.start.replaceChildren(icon(ends ? HANDSET : MICROPHONE), make('span', '', {}, label));
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

const MOST_LINES = 500;
/** Of an utterance, in characters; its end is shown. */
const LONGEST = 20_000;
/** What may be Markdown or a link. */
const MARKS = /[*_`#[]|:\/\/|lto:|^\s*[-+\d]/m;

/** Draws once a frame, keeps the last lines, and scrolls to its end, unless the person has scrolled up to read. */
export class Log {
  // Not a live region itself, or every fragment would be read out; the announcer reads what is final.
  list = make('div', 'log', { role: 'log', 'aria-live': 'off', tabindex: '0' });
  announcer = make('p', 'unseen', { 'aria-live': 'polite' });
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();
  /** By the line's key: what the next frame draws. @type {Map<string, () => void>} */
  #pending = new Map();
  /** Whether a line was dropped before it was drawn. */
  #omits = false;
  #following = true;
  /** @type {Promise<unknown>} */
  #marked = Promise.resolve();

  constructor() {
    const { list } = this;
    let [top, height] = [0, 0];
    list.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = list;
      const atEnd = scrollHeight - scrollTop - clientHeight < 40;
      // A person scrolls up; if its height has changed as well, other parts have moved it.
      if (atEnd || (scrollTop < top && clientHeight === height)) this.#following = atEnd;
      [top, height] = [scrollTop, clientHeight];
    });
    // Other parts that appear make it smaller.
    new ResizeObserver(() => this.#scroll()).observe(list);
  }

  clear() {
    this.#lines.clear();
    this.#pending.clear();
    this.#omits = false;
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
    const { id, side, typed, final, earlier } = utterance;
    const text = utterance.text.slice(-LONGEST);
    this.#later(id, () => this.#draw({ ...utterance, text }, words), words);
    if (!final || typed || earlier || !text) return;
    const announce = (/** @type {string} */ read) => this.announce(words.text('said', { who: words.text(side), text: read }));
    announce(text);
    const { textContent } = this.announcer;
    this.#withMarks(utterance, ({ plain }) => this.announcer.textContent === textContent && announce(plain(text)));
  }

  /** @param {Utterance} utterance @param {Words} words */
  #draw(utterance, words) {
    const { id, side, text, interrupted } = utterance;
    const who = words.text(side);
    const line = this.#lines.get(id) ?? this.#place(utterance);
    setPart(line, `utterance ${side}${interrupted ? ' interrupted' : ''}`);
    const marked = this.#withMarks(utterance, ({ draw }) => draw(line, text, words).then(() => this.#scroll()));
    if (marked && line.querySelector('.said')) line.children[2]?.remove();
    else line.replaceChildren(make('span', 'unseen', {}, words.text('said', { who, text: '' })), make('span', '', { dir: 'auto' }, text));
    if (interrupted) line.append(make('span', 'unseen', {}, ` (${words.text('interrupted')})`));
  }

  /**
   * Shows a call by the host's words for its tool, or by the service's label; its name alone is meant for the model.
   * @param {ToolProgress} progress @param {Words} words @param {string} [label] a phrase of its own
   */
  progress({ id, name, status }, words, label) {
    const key = `tool ${id}`;
    const own = `tool:${name}`;
    const shown = words.has(own) ? words.text(own) : label;
    if (!shown) return;
    const told = status === 'running' || status === 'answered' ? shown : `${shown} (${words.text('interrupted')})`;
    this.#later(key, () => this.#write(key, 'tool', words.has(own) ? words.text(`tool.${status}`, { name: shown }) : told), words);
  }

  /**
   * Adds an entry of another kind, or replaces the one with the same key.
   * @param {string} key
   * @param {string} part
   * @param {(Node | string)[]} content
   */
  note(key, part, ...content) {
    this.#flush(); // what came before it
    this.#write(key, part, ...content);
    this.#scroll();
  }

  /** @param {string} key @param {string} part @param {(Node | string)[]} content */
  #write(key, part, ...content) {
    const line = this.#lines.get(key) ?? this.#append(key);
    setPart(line, part);
    line.replaceChildren(...content);
  }

  /** @param {string} key @param {() => void} draw replaces what was to be drawn for it @param {Words} words */
  #later(key, draw, words) {
    if (this.#pending.size === 0) {
      requestAnimationFrame(() => {
        this.#flush();
        this.#trim(words);
        this.#scroll();
      });
    }
    this.#pending.set(key, draw);
    if (this.#pending.size <= MOST_LINES) return;
    // There are no frames in the background, and a flood brings more than the log keeps.
    this.#pending.delete(/** @type {string} */ (this.#pending.keys().next().value));
    this.#omits = true;
  }

  #flush() {
    for (const draw of this.#pending.values()) draw();
    this.#pending.clear();
  }

  /** @param {Words} words */
  #trim(words) {
    if (!this.#omits && this.list.childElementCount <= MOST_LINES) return;
    this.#omits = false;
    // Without that file the next frame tries again.
    import('./omitted.js').then(({ trim }) => trim(this.list, this.#lines, MOST_LINES, words)).catch(() => {});
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

  /**
   * Calls back with what reads Markdown and links, if an answer may have any; without that file it stays plain text.
   * @param {Utterance} utterance
   * @param {(markdown: typeof import('./markdown.js')) => unknown} act
   */
  #withMarks({ side, text }, act) {
    const marked = side === 'agent' && MARKS.test(text);
    // One after the other: imports of one file may be resolved in any order.
    if (marked) this.#marked = this.#marked.then(() => import('./markdown.js')).then(act).catch(() => {});
    return marked;
  }

  #scroll() {
    if (this.#following) this.list.scrollTop = this.list.scrollHeight;
  }
}

const AUDIBLE = 0.02;
/** What each bar shows: a step of the spectrum of a voice, low in the middle. */
const STEPS = [60, 14, 5, 9, 34];

/** Five bars that move with whoever speaks; with reduced motion they only show who it is. */
export class Visualizer {
  element = make('div', 'visualizer', { 'aria-hidden': 'true' }, ...STEPS.map(() => make('i', '')));
  #session;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #spectrum = new Uint8Array(64);
  #running = false;

  /** @param {import('../live/session.js').LiveSession} session */
  constructor(session) {
    this.#session = session;
  }

  /** Draws until the conversation ends. */
  run() {
    if (this.#running) return;
    const next = () => {
      const { state } = this.#session;
      this.#running = state === 'live' || state === 'resuming';
      this.#draw();
      if (this.#running) requestAnimationFrame(next);
    };
    next();
  }

  #draw() {
    const { levels, voiced, volume } = this.#session;
    const heard = /** @type {const} */ (['speaker', 'microphone']).find((side) => levels[side] > AUDIBLE);
    this.element.dataset.voice = this.#running && (voiced || volume) ? (heard ?? '') : 'none';
    if (heard) this.#session.spectrum(heard, this.#spectrum);
    STEPS.forEach((step, index) => {
      const bar = /** @type {HTMLElement} */ (this.element.children[index]);
      // Without a height of its own a bar has that of the still.
      bar.style.height = heard && !this.#calm.matches ? `${Math.max(0, this.#spectrum[step] - 80) / 1.6}%` : '';
    });
  }
}
