/** A timer that gives a page that was suspended time to read what has arrived meanwhile. */

// A page that was suspended finds its timers overdue and the socket's events unread: they get this long to arrive.
const WAKING_MS = 1500;

/** Runs out once for each time that it is set. */
export class Deadline {
  #clock;
  #passed;
  /** @type {(() => void) | null} */
  #takeBack = null;

  /** @param {import('../clock.js').Clock} clock @param {() => void} passed */
  constructor(clock, passed) {
    this.#clock = clock;
    this.#passed = passed;
  }

  /** Whether it is set, and has not passed. */
  get pending() {
    return this.#takeBack !== null;
  }

  /** @param {number} milliseconds from now; replaces what was set before */
  set(milliseconds) {
    this.clear();
    const due = this.#clock.now() + milliseconds;
    this.#takeBack = this.#clock.after(milliseconds, () => {
      this.#takeBack = null;
      if (this.#clock.now() - due > WAKING_MS) this.set(WAKING_MS);
      else this.#passed();
    });
  }

  clear() {
    this.#takeBack?.();
    this.#takeBack = null;
  }
}
