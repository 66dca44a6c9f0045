/** Holds back a step that cannot be undone, so that the person can still stop it; loaded where a tool asks for it. */

import { VOICE } from './media/pcm.js';
import { pause, steadyClock } from './waiting.js';

// The words of what was said arrive 1.2 to 1.3 s after its end (frontier-on-cloud/gemini-live-commit-guard, 36 sessions).
const WORDS_MS = 4000;
/** Without an end of voice, what was heard was no voice. */
const LONGEST_MS = 20_000;
const LOOK_MS = 50;
/** Characters of what was said. */
const KEPT = 2000;
/** What stops a step wherever it is said, in the languages of the widget. A mistake costs a question. */
const STOPS = [
  'stop|abort|halt|stopp|arrête[zr]?|para|alto|detente|ferma(ti)?|fermo|pare|dur|توقف|قف|रुक|रुको|रुकिए',
  'やめて?|ストップ|停|不要|그만|멈춰',
];
/** What stops it after the call, or at the end of what was said before. */
const REFUSALS = [
  "wait|cancel|no|nope|don't|do not|never ?mind|hold on|forget it",
  'warte|nein|nicht|abbrechen|lass (das|es)',
  'attends|attendez|non|annule[zr]?|laisse(z)? tomber',
  'espera|cancela|mejor no|aspetta|annulla|lascia stare',
  'espere|não|cancele|deixa( pra lá)?|bekle|hayır|iptal|vazgeçtim|yapma',
  'انتظر|لا|ألغ|नहीं|मत|रद्द',
  '待って|キャンセル|いいえ|等一下|等等|取消|别|잠깐|취소|아니',
];

/** @typedef {import('./conversation.js').Observed} Observed */
/**
 * @typedef {object} Hold
 * @property {string} name of the tool
 * @property {number} seconds
 * @property {readonly string[]} [refusals] words that stop this step, besides “stop” and the like
 */

/** @typedef {{at: number, length: number}} Mark a moment in what the person says */

/** @param {import('./conversation.js').Parts} parts @param {AbortSignal} signal */
export const attach = ({ sound, talking }, signal) =>
  new Holding(() => talking() || (!(sound?.speaking ?? false) && (sound?.voice ?? 0) >= VOICE), signal);

/** Listens for a word of refusal, from before a call on: “stop” may be said in one breath with the request. */
export class Holding {
  #talking;
  #signal;
  #clock;
  /** What the person has said lately. */
  #said = '';
  /** How much of what was said before is not in there any more. */
  #dropped = 0;
  /** Where in all of it that begins which the agent has not answered yet. */
  #unanswered = 0;
  #answered = false;
  /** Where that began which refused a tool, by its name. @type {Map<string, number>} */
  #refused = new Map();
  /** When a voice was heard last, and when words arrived last. */
  #heardAt = -Infinity;
  #toldAt = -Infinity;

  /**
   * @param {() => boolean} talking whether the person speaks now
   * @param {AbortSignal} signal
   * @param {import('./waiting.js').Clock} [clock]
   */
  constructor(talking, signal, clock = steadyClock) {
    this.#talking = talking;
    this.#signal = signal;
    this.#clock = clock;
  }

  /** @param {Observed} event */
  receive(event) {
    switch (event.kind) {
      case 'voice-activity':
        if (event.active) this.#heardAt = this.#clock.now();
        break;
      case 'typed':
        this.#answered = true; // it stands by itself
        this.#hear(event.text ?? '');
        break;
      case 'transcript':
        if (event.side === 'user') this.#hear(event.text);
        else this.#answered = true;
    }
  }

  /** @returns {Mark} this moment */
  mark() {
    return { at: this.#clock.now(), length: this.#length };
  }

  /**
   * Waits for as long as the step is held, and for the words of any voice that has begun meanwhile.
   * @param {Hold} hold
   * @param {AbortSignal} signal of the call
   * @param {Mark} [since] when the call was made
   * @returns {Promise<{refused: boolean, spoken: boolean}>} whether the person has stopped it, and whether they have spoken
   */
  async wait({ name, seconds, refusals = [] }, signal, since = this.mark()) {
    const began = this.#clock.now();
    const any = either([...STOPS, ...REFUSALS, ...refusals.map(escaped)]);
    const stopping = new RegExp(any, 'iu');
    const ending = new RegExp(`${any}[^\\p{L}]*$`, 'iu');
    const opening = new RegExp(`^[^\\p{L}]*${either(STOPS)}\\s*(?:[^\\p{L}\\s]|$)`, 'iu');
    const refused = () =>
      // A model whose call was interrupted makes it again, before it answers what interrupted it.
      this.#refused.get(name) === this.#unanswered ||
      [opening, ending].some((pattern) => pattern.test(this.#after(this.#unanswered))) ||
      stopping.test(this.#after(since.length));
    for (;;) {
      const now = this.#clock.now();
      if (this.#talking()) this.#heardAt = now;
      if (refused()) {
        this.#refused.set(name, this.#unanswered);
        return { refused: true, spoken: true };
      }
      const spoken = this.#heardAt >= since.at || this.#toldAt >= since.at;
      const unclear = this.#heardAt > this.#toldAt && now < this.#heardAt + WORDS_MS && now < began + LONGEST_MS;
      if (now >= began + seconds * 1000 && !unclear) return { refused: false, spoken };
      await pause(this.#clock, LOOK_MS, AbortSignal.any([signal, this.#signal]));
    }
  }

  /** @param {string} text */
  #hear(text) {
    if (this.#answered) {
      this.#said += ' ';
      this.#unanswered = this.#length;
    }
    this.#answered = false;
    this.#said += text;
    const superfluous = Math.max(0, this.#said.length - KEPT);
    this.#said = this.#said.slice(superfluous);
    this.#dropped += superfluous;
    this.#toldAt = this.#clock.now();
  }

  get #length() {
    return this.#dropped + this.#said.length;
  }

  /** @param {number} length @returns {string} what was said after so much */
  #after(length) {
    return this.#said.slice(Math.max(0, length - this.#dropped));
  }
}

/** @param {readonly string[]} words @returns {string} a pattern of any of them, each as a whole word where there are spaces */
const either = (words) => `(?:(?<![\\p{L}\\p{M}])(?:${words.join('|')})(?![\\p{L}\\p{M}])|(?:${words.filter((each) => UNSPACED.test(each)).join('|') || '(?!)'}))`;

const UNSPACED = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}]/u;

/** @param {string} words */
const escaped = (words) => words.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
