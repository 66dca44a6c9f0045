/** Replaces a connection ahead of its end without a loss: when, and what is held back meanwhile. */

/** @typedef {import('../waiting.js').Clock} Clock */

/**
 * An expected end. `at` is by the clock.
 * @typedef {{at: number, due: number, must: number}} End
 */

// From `due` on the connection is replaced in a quiet moment, at `must` in any case.
const DUE_MS = 20_000;
const MUST_MS = 6000;
// Models that keep sending handles send one every 1.2 s. If none arrives in twice that time, none will.
const NEXT_HANDLE_MS = 2500;
const POSTPONED_MS = 2000;

/**
 * Plans the replacement. If little time is left, it uses shares of it: a token is used for two thirds of its life, and
 * an announced end is prepared for at once.
 * @param {number} now
 * @param {number} at
 * @param {'token' | 'announced'} kind
 * @returns {End}
 */
export function plan(now, at, kind) {
  const left = Math.max(0, at - now);
  const due = at - Math.min(DUE_MS, left * (kind === 'token' ? 1 / 3 : 0.9));
  const must = at - Math.min(MUST_MS, left * (kind === 'token' ? 1 / 4 : 0.6));
  return { at, due, must };
}

/** Watches one connection, and decides when to hold frames back and when to replace it. */
export class Handover {
  #clock;
  #roundTrip;
  #act;
  /** @type {End} */
  #end = { at: Infinity, due: Infinity, must: Infinity };
  /** @type {string | null} */
  #handle = null;
  #handleAt = -Infinity;
  /** Handles, and refusals of one, on this connection. */
  #offers = 0;
  #many;
  #resumable = false;
  #sentAt = -Infinity;
  #receivedAt = -Infinity;
  #busy = false;
  /** @type {number | null} until when frames are held; null while none are */
  #holdUntil = null;
  #notBefore = -Infinity;
  #over = false;
  #takeBack = () => {};

  /**
   * @param {Clock} clock
   * @param {object} previous what is known from the previous connection
   * @param {string | null} previous.handle used until this connection has its own
   * @param {boolean} [previous.many] whether this model sends many handles for a connection
   * @param {() => number} roundTrip milliseconds; a handle that arrives sooner after a frame may not cover it
   * @param {object} act
   * @param {() => void} act.hold holds frames back
   * @param {() => void} act.release sends what was held, before another attempt later
   * @param {(handle: string | null) => void} act.replace called once, while holding; null without a handle
   */
  constructor(clock, { handle, many = false }, roundTrip, act) {
    this.#clock = clock;
    this.#handle = handle;
    this.#many = many;
    this.#roundTrip = roundTrip;
    this.#act = act;
  }

  /** The latest handle, whatever it covers. */
  get handle() {
    return this.#handle;
  }

  /** Whether this model is known to send many handles for a connection. */
  get manyHandles() {
    return this.#many;
  }

  /** When this connection ends, as far as is known. */
  get endsAt() {
    return this.#end.at;
  }

  /** Whether there is no time for another attempt before the connection ends. */
  get last() {
    return this.#clock.now() + POSTPONED_MS + NEXT_HANDLE_MS > this.#end.at;
  }

  /** @param {number} at by the clock @param {'token' | 'announced'} kind */
  expect(at, kind) {
    const end = plan(this.#clock.now(), at, kind);
    if (end.must < this.#end.must) this.#end = end;
    this.#evaluate();
  }

  /** A frame was given to the socket. */
  sent() {
    this.#sentAt = this.#clock.now();
    // Each frame also checks the time: browsers throttle the timers of a page in the background.
    this.#evaluate();
  }

  /** @param {boolean} busy whether an answer or a tool call is in progress */
  received(busy) {
    this.#receivedAt = this.#clock.now();
    this.#busy = busy;
    this.#evaluate();
  }

  /** @param {string | null} handle null while the session cannot be resumed */
  offer(handle) {
    this.#offers += 1;
    this.#many ||= this.#offers > 1;
    this.#resumable = handle !== null;
    this.#handle = handle ?? this.#handle;
    this.#handleAt = this.#clock.now();
    this.#evaluate();
  }

  /** The replacement failed and what was held has been sent: tries again a little later. */
  postpone() {
    this.#over = false;
    this.#holdUntil = null;
    this.#notBefore = this.#clock.now() + POSTPONED_MS;
    this.#evaluate();
  }

  close() {
    this.#over = true;
    this.#takeBack();
  }

  #evaluate() {
    this.#takeBack();
    if (this.#over) return;
    const now = this.#clock.now();
    if (this.#holdUntil === null && now >= this.#begins) {
      this.#holdUntil = now + Math.min(NEXT_HANDLE_MS, Math.max(0, this.#end.at - now) * 0.7);
      this.#act.hold();
    }
    if (this.#holdUntil === null) this.#wake(this.#begins - now);
    else if (this.#knowsAll || now >= this.#holdUntil) this.#decide(now);
    else this.#wake(this.#holdUntil - now);
  }

  /** When holding begins. */
  get #begins() {
    return Math.max(this.#notBefore, this.#busy ? this.#end.must : this.#end.due);
  }

  /** Whether the latest handle covers all that was said. */
  get #knowsAll() {
    if (!this.#resumable) return false;
    // gemini-3.8-live sends one handle for a connection, and it stands for the session as it is when that ends.
    if (!this.#many && this.#clock.now() >= this.#handleAt + NEXT_HANDLE_MS) return true;
    return this.#handleAt >= Math.max(this.#sentAt + this.#roundTrip(), this.#receivedAt);
  }

  /** @param {number} now */
  #decide(now) {
    if (!this.#knowsAll && now < this.#end.must) {
      this.#holdUntil = null;
      this.#notBefore = now + POSTPONED_MS;
      this.#act.release();
      this.#evaluate();
      return;
    }
    this.#over = true;
    this.#act.replace(this.#handle);
  }

  /** @param {number} milliseconds */
  #wake(milliseconds) {
    if (milliseconds < Infinity) this.#takeBack = this.#clock.after(milliseconds, () => this.#evaluate());
  }
}

/** @typedef {string | (() => string)} Frame made when it is sent, if that depends on what is not known yet; '' for none */

/** Keeps in order what cannot be sent yet: all that was typed, the latest sound, and every answer to a tool call. */
export class Outbox {
  /** @type {{frame: Frame, sound: boolean}[]} */
  #entries = [];
  #sounds = 0;
  /** @type {string[]} */
  #answers = [];

  /** @param {Frame} frame never dropped */
  add(frame) {
    this.#entries.push({ frame, sound: false });
  }

  /** @param {string} frame @param {number} most how many frames of sound to keep; the oldest is dropped */
  addSound(frame, most) {
    this.#entries.push({ frame, sound: true });
    this.#sounds += 1;
    if (this.#sounds <= most) return;
    this.#entries.splice(this.#entries.findIndex(({ sound }) => sound), 1);
    this.#sounds -= 1;
  }

  /** @param {string} frame an answer to a tool call, sent before everything else */
  addAnswer(frame) {
    this.#answers.push(frame);
  }

  /**
   * Empties it.
   * @param {string[]} [introduction] frames to send before what was said
   * @param {boolean} [answers] false for a session that does not know the calls
   * @returns {Frame[]} in the order to send them
   */
  take(introduction = [], answers = true) {
    const frames = [...(answers ? this.#answers : []), ...introduction, ...this.#entries.map(({ frame }) => frame)];
    this.#answers = [];
    this.#entries = [];
    this.#sounds = 0;
    return frames;
  }
}
