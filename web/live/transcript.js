/** Puts the pieces of what was said together, however the Live API sends them. */

/** @typedef {'user' | 'agent'} Side */

/**
 * What one side said in one turn, as far as it is known.
 * @typedef {object} Utterance
 * @property {string} id the same for every piece of it
 * @property {number} turn
 * @property {Side} side
 * @property {string} text
 * @property {boolean} typed
 * @property {boolean} final nothing will be added
 * @property {boolean} interrupted the answer was cut short
 */

/**
 * Pieces come as fragments or each as the whole so far, and the two sides in no certain order (Live API reference,
 * `BidiGenerateContentTranscription`); both are told apart by what is already there.
 */
export class Transcript {
  #count = 0;
  #turn = 0;
  /** @type {Map<Side, Utterance>} */
  #open = new Map();

  get turn() {
    return this.#turn;
  }

  /**
   * @param {Side} side
   * @param {string} piece
   * @returns {Utterance}
   */
  hear(side, piece) {
    const known = this.#open.get(side) ?? this.#utterance(side);
    const text = piece.startsWith(known.text) ? piece : known.text + piece;
    const heard = { ...known, text };
    this.#open.set(side, heard);
    return heard;
  }

  /**
   * @param {string} text
   * @returns {Utterance} of the user, and final
   */
  type(text) {
    return { ...this.#utterance('user'), text, typed: true, final: true };
  }

  /** @returns {Utterance[]} the answer that was cut short, if any of it was heard */
  interrupt() {
    return this.#finish('agent', true);
  }

  /** @returns {Utterance[]} what the turn's end makes final, the user's words first */
  completeTurn() {
    const finals = [...this.#finish('user', false), ...this.#finish('agent', false)];
    this.#turn += 1;
    return finals;
  }

  /** @param {Side} side @param {boolean} interrupted @returns {Utterance[]} */
  #finish(side, interrupted) {
    const utterance = this.#open.get(side);
    this.#open.delete(side);
    return utterance ? [{ ...utterance, final: true, interrupted }] : [];
  }

  /** @param {Side} side @returns {Utterance} */
  #utterance(side) {
    this.#count += 1;
    return { id: `u${this.#count}`, turn: this.#turn, side, text: '', typed: false, final: false, interrupted: false };
  }
}
