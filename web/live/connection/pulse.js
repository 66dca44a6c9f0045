/** Detects a dead path by sending that stalls. That the server says nothing proves nothing: an idle model is silent. */

/** @typedef {import('../clock.js').Clock} Clock */

// A phone that changes cells, or loses its signal for a moment, recovers within seconds without our help.
const STALL_MS = 8000;
// A page that was suspended finds its timers overdue and the socket's events unread: they get this long to arrive.
const WAKING_MS = 1500;

/** Watches one socket while bytes wait in it; an idle socket sets no timer. */
export class Pulse {
  #clock;
  #backlog;
  #stalled;
  #given = 0;
  #left = 0;
  #movedAt = -Infinity;
  #ended = false;
  /** @type {(() => void) | null} */
  #takeBack = null;

  /**
   * @param {Clock} clock
   * @param {() => number} backlog bytes that have not left yet
   * @param {() => void} stalled called once, after `STALL_MS` in which nothing left and nothing arrived
   */
  constructor(clock, backlog, stalled) {
    this.#clock = clock;
    this.#backlog = backlog;
    this.#stalled = stalled;
  }

  /** A frame was given to the socket. @param {number} length */
  sent(length) {
    this.#given += length;
    const waiting = this.#measure();
    if (this.#ended || this.#takeBack !== null || !waiting) return;
    this.#movedAt = this.#clock.now();
    this.#wait(STALL_MS);
  }

  /** A frame has arrived: the path works. */
  received() {
    this.#movedAt = this.#clock.now();
  }

  end() {
    this.#ended = true;
    this.#takeBack?.();
  }

  /** Notes whether anything has left. The sum counts, for behind a slow link the backlog grows all the same. */
  #measure() {
    const backlog = this.#backlog();
    const left = this.#given - backlog;
    if (left !== this.#left) this.#movedAt = this.#clock.now();
    this.#left = left;
    return backlog > 0;
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    const due = this.#clock.now() + milliseconds;
    this.#takeBack = this.#clock.after(milliseconds, () => this.#look(due));
  }

  /** @param {number} due when this was to be called, by the clock */
  #look(due) {
    this.#takeBack = null;
    if (!this.#measure()) return;
    const now = this.#clock.now();
    const left = this.#movedAt + STALL_MS - now;
    if (left > 0) this.#wait(left);
    else if (now - due > WAKING_MS) this.#wait(WAKING_MS);
    else this.#stalled();
  }
}
