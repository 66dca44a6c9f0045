/** Joins the pieces of what was said, however the Live API sends them. */

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
 */

/**
 * Pieces are fragments, or each is the whole text so far, and the two sides come in no guaranteed order (Live API
 * reference, `BidiGenerateContentTranscription`). A piece that begins with the text so far replaces it.
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
  append(side, piece) {
    const known = this.#open.get(side) ?? this.#utterance(side);
    const text = piece.startsWith(known.text) ? piece : known.text + piece;
    const grown = { ...known, text };
    this.#open.set(side, grown);
    return grown;
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
