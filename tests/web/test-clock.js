/** A clock that the test advances. */

/** A `Clock` for tests. */
export class TestClock {
  #now = 0;
  /** @type {Set<{at: number, call: () => void}>} */
  #calls = new Set();

  now = () => this.#now;

  /** @param {number} milliseconds @param {() => void} call */
  after = (milliseconds, call) => {
    const waiting = { at: this.#now + Math.max(0, milliseconds), call };
    this.#calls.add(waiting);
    return () => void this.#calls.delete(waiting);
  };

  /** Pending timers. */
  get waiting() {
    return this.#calls.size;
  }

  /** @param {number} milliseconds in which every timer fires in order */
  pass(milliseconds) {
    const until = this.#now + milliseconds;
    for (;;) {
      const next = [...this.#calls].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#calls.delete(next);
      next.call();
    }
    this.#now = until;
  }

  /** @param {number} milliseconds in which no timer fires */
  oversleep(milliseconds) {
    this.#now += milliseconds;
  }
}
