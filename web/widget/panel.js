/** The panel's elements: its buttons and their labels, the transcript, and the bars that move with the voices. */

import { icon, make, setPart } from './dom.js';

/** @typedef {import('../live/transcript.js').Utterance} Utterance */
/** @typedef {import('../live/tools.js').ToolProgress} ToolProgress */
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
   * @param {Log} log
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
    if (final && !typed && !earlier && text) this.announce(words.text('said', { who: words.text(side), text }));
  }

  /** @param {Utterance} utterance @param {Words} words */
  #draw(utterance, words) {
    const { id, side, text, interrupted } = utterance;
    const who = words.text(side);
    const line = this.#lines.get(id) ?? this.#place(utterance);
    const said = make('span', '', { dir: 'auto' }, text);
    setPart(line, `utterance ${side}${interrupted ? ' interrupted' : ''}`);
    line.replaceChildren(make('span', 'unseen', {}, words.text('said', { who, text: '' })), said);
    if (interrupted) line.append(make('span', 'unseen', {}, ` (${words.text('interrupted')})`));
  }

  /** @param {ToolProgress} progress @param {Words} words @param {string} [label] the service's own, a phrase of its own */
  progress({ id, name, status }, words, label = '') {
    const key = `tool ${id}`;
    const shown = words.has(`tool:${name}`) ? words.text(`tool:${name}`) : !label && name;
    const told = status === 'running' || status === 'answered' ? label : `${label} (${words.text('interrupted')})`;
    const text = shown ? words.text(`tool.${status}`, { name: shown }) : told;
    if (shown || (label && shown !== '')) this.#later(key, () => this.#write(key, 'tool', text), words);
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

  #scroll() {
    if (this.#following) this.list.scrollTop = this.list.scrollHeight;
  }
}

const BARS = 28;
const AUDIBLE = 0.02;

/** Moves while somebody speaks; with reduced motion it only shows who does. */
export class Visualizer {
  canvas = make('canvas', 'visualizer', { 'aria-hidden': 'true' });
  #session;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #bins = new Uint8Array(128);
  #drawing = false;

  /** @param {import('../live/session.js').LiveSession} session */
  constructor(session) {
    this.#session = session;
  }

  /** Draws until the conversation ends. */
  run() {
    if (this.#drawing) return;
    const next = () => {
      const { state } = this.#session;
      this.#drawing = state === 'live' || state === 'resuming';
      if (this.canvas.clientWidth > 0) this.#draw();
      if (this.#drawing) requestAnimationFrame(next);
    };
    next();
  }

  #draw() {
    const { canvas } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    const { color, accentColor } = getComputedStyle(canvas);
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    const step = width / BARS;
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.lineCap = 'round';
    pen.lineWidth = step * 0.45;
    for (const side of /** @type {const} */ (['microphone', 'speaker'])) {
      this.#session.spectrum(side, this.#bins);
      const heard = this.#session.levels[side] > AUDIBLE;
      pen.strokeStyle = side === 'speaker' ? accentColor : color;
      pen.beginPath();
      for (let bar = 0.5; bar < BARS; bar += 1) {
        const reach = (this.#share(Math.abs((2 * bar) / BARS - 1), heard) * (height - pen.lineWidth)) / 2;
        pen.moveTo(bar * step, height / 2 - reach);
        pen.lineTo(bar * step, height / 2 + reach + 0.01);
      }
      pen.stroke();
    }
  }

  /**
   * @param {number} outward position of a bar, from 0 in the middle to 1 at either end
   * @param {boolean} heard
   * @returns {number} its share of the height
   */
  #share(outward, heard) {
    if (!this.#drawing) return 0.4 * (1 - outward) ** 2;
    if (this.#calm.matches) return heard ? 0.4 * (1 - outward) : 0;
    // A voice is below 5 kHz, and mostly low: the lowest frequencies are in the middle.
    const loudness = this.#bins[Math.round(2 + 100 * outward ** 2)];
    return Math.min(1, Math.max(0, (loudness - 80) / 160));
  }
}
