/** What a fresh session is told of a conversation whose session is lost: its last turns, and a note about it. */

import { contentFrame, textFrame, textOf } from './connection/protocol.js';

// As in frontier-on-cloud/gemini-live-resume-test, FINDINGS.md, stage 2: six turns and a note were enough in 9 of 9.
const MOST_TURNS = 6;
/** Of a turn, in characters; its end says where the conversation stopped. */
const LONGEST = 2000;
const NOTE = '[System note: ';
const CALLS = 'Functions called before the loss, not to be called again for the same request:';

/** @typedef {import('./connection/token-source.js').RebuildForm} RebuildForm */

/** @param {string} sentences @returns {string} the frame of a note, which the app tells the model */
export const noteFrame = (sentences) => textFrame(note(sentences));

/** Keeps the last turns: spoken ones as transcribed, typed ones as sent. */
export class History {
  /**
   * By the utterance's id, in the order in which they began.
   * @type {Map<string, {role: 'user' | 'model', text: string}>}
   */
  #turns = new Map();
  #typed = 0;

  /** @param {import('./transcript.js').Utterance} utterance */
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
    const turns = Array.from(this.#turns.values(), ({ role, text }) => ({ role, parts: [{ text }] }));
    const empty = turns.length === 0 && calls === '';
    const text = note(
      'the connection to the user was lost, and the conversation continues in a new session. The turns above are the ' +
        `last ones before the loss, from the app's own transcript. ${calls && `${CALLS} ${calls} `}` +
        'Continue the conversation from where it stopped.',
    );
    // An initial history is waited for even if there is none, and is not answered.
    if (form === 'history') {
      return { turns: turns.length, frames: [contentFrame(turns), ...(empty ? [] : [textFrame(text)])], empty };
    }
    const told = contentFrame([...turns, { role: 'user', parts: [{ text }] }]);
    return { turns: turns.length, frames: empty ? [] : [told], empty };
  }

  /** @param {string} id @param {'user' | 'model'} role @param {string} text */
  #set(id, role, text) {
    this.#turns.set(id, { role, text: text.slice(-LONGEST) });
    if (this.#turns.size > MOST_TURNS) this.#turns.delete(/** @type {string} */ (this.#turns.keys().next().value));
  }
}

/** @param {string} sentences */
const note = (sentences) => `${NOTE}${sentences}]`;
