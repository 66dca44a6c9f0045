/** What was said: joined from the pieces that the Live API sends, and what a fresh session is told of it. */

import { contentFrame, textFrame, textOf } from './connection/protocol.js';

/** @typedef {import('./connection/token-source.js').RebuildForm} RebuildForm */
/** @typedef {'user' | 'agent'} Side */

/**
 * What one side has said in one turn so far.
 * @typedef {object} Utterance
 * @property {string} id the same for every update
 * @property {number} turn
 * @property {Side} side
 * @property {string} text
 * @property {boolean} typed
 * @property {boolean} final whether nothing will be added
 * @property {boolean} interrupted whether the answer was cut short
 * @property {boolean} [earlier] whether it was said on another page, which has left the conversation to this one
 */

/** Of an utterance, in characters. Of a longer one the beginning is dropped. */
const MOST_TEXT = 100_000;
/** What is left of one that grew too long: cutting it each time would copy it each time. */
const KEPT_TEXT = 50_000;

/** @param {string} text @returns {string} its end, after an ellipsis, if it is too long */
const bounded = (text) => (text.length > MOST_TEXT ? `…${text.slice(-KEPT_TEXT)}` : text);

/**
 * The two sides come in no guaranteed order (Live API reference, `BidiGenerateContentTranscription`). What is only
 * supposed, because a transcript may follow, is shown after the transcript so far, until there is more of that.
 */
export class Transcript {
  #count = 0;
  #turn = 0;
  /** @type {Map<Side, Utterance>} */
  #open = new Map();
  #joins = { user: new Join(), agent: new Join() };
  /** @type {Map<Side, string>} */
  #supposed = new Map();

  get turn() {
    return this.#turn;
  }

  /**
   * @param {Side} side
   * @param {string} piece
   * @returns {Utterance}
   */
  append(side, piece) {
    this.#supposed.delete(side);
    return this.#grow(side, piece);
  }

  /**
   * @param {string} text that the person seems to be saying; replaces what was supposed before
   * @returns {Utterance}
   */
  suppose(text) {
    this.#supposed.set('user', bounded(text));
    return this.#grow('user', '');
  }

  /**
   * @param {string} piece of an answer in writing, which counts unless a transcript follows
   * @returns {Utterance}
   */
  write(piece) {
    this.#supposed.set('agent', bounded((this.#supposed.get('agent') ?? '') + piece));
    return this.#grow('agent', '');
  }

  /**
   * @param {string} text
   * @returns {Utterance} of the user, and final
   */
  type(text) {
    return { ...this.#utterance('user'), text, typed: true, final: true };
  }

  /** @returns {Utterance[]} the answer that was cut short, if there was one */
  interrupt() {
    return this.#finish('agent', true);
  }

  /** @returns {Utterance[]} what becomes final, the user's words first */
  completeTurn() {
    const finals = [...this.#finish('user', false), ...this.#finish('agent', false)];
    this.#turn += 1;
    return finals;
  }

  /** @param {Side} side @param {string} piece @returns {Utterance} */
  #grow(side, piece) {
    const known = this.#open.get(side) ?? this.#utterance(side);
    const grown = { ...known, text: piece ? this.#joins[side].add(piece) : known.text };
    this.#open.set(side, grown);
    return this.#shown(grown);
  }

  /** @param {Utterance} utterance @returns {Utterance} with what is supposed */
  #shown(utterance) {
    return { ...utterance, text: utterance.text + (this.#supposed.get(utterance.side) ?? '') };
  }

  /** @param {Side} side @param {boolean} interrupted @returns {Utterance[]} */
  #finish(side, interrupted) {
    const utterance = this.#open.get(side);
    const finals = utterance ? [{ ...this.#shown(utterance), final: true, interrupted }] : [];
    this.#open.delete(side);
    this.#supposed.delete(side);
    this.#joins[side].end();
    return finals;
  }

  /** @param {Side} side @returns {Utterance} */
  #utterance(side) {
    this.#count += 1;
    return { id: `u${this.#count}`, turn: this.#turn, side, text: '', typed: false, final: false, interrupted: false };
  }
}

/**
 * Joins one side's pieces. Pieces are fragments on every recorded model; one report has the whole text so far in each.
 * The same words again are a fragment: only pieces that continue the one before, twice or after some length, are taken
 * for the whole. A piece that does not continue it decides for fragments, once for the conversation.
 */
class Join {
  #fragments = false;
  #wholes = false;
  /** Of this utterance: the pieces so far, the last one, and how many continued the one before. */
  #all = '';
  #last = '';
  #continued = 0;

  /** @param {string} piece @returns {string} the text so far */
  add(piece) {
    const last = this.#last;
    this.#last = piece;
    this.#all = bounded(this.#all + piece);
    if (last && !piece.startsWith(last)) this.#fragments = true;
    else if (last && piece !== last) {
      this.#continued += 1;
      // Fragments bring their own space.
      this.#wholes ||= this.#continued > 1 || /^\S.{4,}\S$/s.test(last);
    }
    return this.#wholes && !this.#fragments ? bounded(piece) : this.#all;
  }

  /** The utterance is over. */
  end() {
    this.#all = '';
    this.#last = '';
    this.#continued = 0;
  }
}

// As in frontier-on-cloud/gemini-live-resume-test, FINDINGS.md, stage 2: six turns and a note were enough in 9 of 9.
const MOST_TURNS = 6;
const MOST_NOTES = 6;
/** Of a turn, in characters; its end says where the conversation stopped. */
const LONGEST = 2000;
const NOTE = '[System note: ';
const CALLS = 'Functions called before the loss, not to be called again for the same request:';

/** @param {string} sentences @returns {string} the frame of a note, which the app tells the model */
export const noteFrame = (sentences) => textFrame(note(sentences));

/** Keeps the last turns: spoken ones as transcribed, typed ones as sent; and the page's last notes. */
export class History {
  /** @type {string[]} */
  #notes = [];
  /**
   * By the utterance's id, in the order in which they began.
   * @type {Map<string, {role: 'user' | 'model', text: string}>}
   */
  #turns = new Map();
  #typed = 0;

  /** @param {Utterance} utterance */
  heard({ id, side, text, typed, interrupted }) {
    if (typed) return;
    this.#set(id, side === 'user' ? 'user' : 'model', interrupted ? `${text} [cut off here]` : text);
  }

  /** @param {string} frame that was sent @returns {boolean} whether the person typed it */
  sent(frame) {
    const text = textOf(frame);
    if (text === null || text.startsWith(NOTE)) return false;
    this.#typed += 1;
    this.#set(`typed ${this.#typed}`, 'user', text);
    return true;
  }

  /** @param {string} sentences that the page has the model know */
  noted(sentences) {
    this.#notes = [...this.#notes, sentences].slice(-MOST_NOTES);
  }

  /** What the page had the model know, for a session that was told nothing. */
  get notes() {
    return this.#notes;
  }

  forget() {
    this.#turns.clear();
  }

  /**
   * Makes the first frames of a fresh session.
   * @param {RebuildForm} form
   * @param {string} calls what became of them
   * @returns {{turns: number, frames: string[], empty: boolean}} `empty`: there is nothing to tell
   */
  frames(form, calls) {
    const notes = this.#notes.map((text) => ({ role: /** @type {const} */ ('user'), parts: [{ text: note(text) }] }));
    const turns = [...notes, ...Array.from(this.#turns.values(), ({ role, text }) => ({ role, parts: [{ text }] }))];
    const empty = this.#turns.size === 0 && calls === '';
    const text = note(
      'the connection to the user was lost, and the conversation continues in a new session. The turns above are the ' +
        `last ones before the loss, from the app's own transcript. ${calls && `${CALLS} ${calls} `}` +
        'Continue the conversation from where it stopped.',
    );
    // An initial history is waited for even if there is none, and is not answered.
    if (form === 'history') {
      return { turns: this.#turns.size, frames: [contentFrame(turns), ...(empty ? [] : [textFrame(text)])], empty };
    }
    const told = contentFrame([...turns, { role: 'user', parts: [{ text }] }]);
    return { turns: this.#turns.size, frames: empty ? [] : [told], empty };
  }

  /** @param {string} id @param {'user' | 'model'} role @param {string} text */
  #set(id, role, text) {
    this.#turns.set(id, { role, text: text.slice(-LONGEST) });
    if (this.#turns.size > MOST_TURNS) this.#turns.delete(/** @type {string} */ (this.#turns.keys().next().value));
  }
}

/** @param {string} sentences @returns {string} what the app tells the model, marked as such */
export const note = (sentences) => `${NOTE}${sentences}]`;
