/** Detects a dead path by sending that stalls. That the server says nothing proves nothing: an idle model is silent. */

import { Deadline } from './deadline.js';

// A phone that changes cells, or loses its signal for a moment, recovers within seconds without our help.
const STALL_MS = 8000;

/** Watches one socket while bytes wait in it; an idle socket sets no timer. */
export class Pulse {
  #clock;
  #backlog;
  #stalled;
  #given = 0;
  #left = 0;
  #movedAt = -Infinity;
  #ended = false;
  #deadline;

  /**
   * @param {import('../clock.js').Clock} clock
   * @param {() => number} backlog bytes that have not left yet
   * @param {() => void} stalled called once, after `STALL_MS` in which nothing left and nothing arrived
   */
  constructor(clock, backlog, stalled) {
    this.#clock = clock;
    this.#backlog = backlog;
    this.#stalled = stalled;
    this.#deadline = new Deadline(clock, () => this.#look());
  }

  /** A frame was given to the socket. @param {number} length */
  sent(length) {
    this.#given += length;
    const waiting = this.#measure();
    if (this.#ended || this.#deadline.pending || !waiting) return;
    this.#movedAt = this.#clock.now();
    this.#deadline.set(STALL_MS);
  }

  /** A frame has arrived: the path works. */
  received() {
    this.#movedAt = this.#clock.now();
  }

  end() {
    this.#ended = true;
    this.#deadline.clear();
  }

  /** Notes whether anything has left. The sum counts, for behind a slow link the backlog grows all the same. */
  #measure() {
    const backlog = this.#backlog();
    const left = this.#given - backlog;
    if (left !== this.#left) this.#movedAt = this.#clock.now();
    this.#left = left;
    return backlog > 0;
  }

  #look() {
    if (!this.#measure()) return;
    const left = this.#movedAt + STALL_MS - this.#clock.now();
    if (left > 0) this.#deadline.set(left);
    else this.#stalled();
  }
}
