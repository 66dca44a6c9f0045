/** Whether the path to the server works: the device's network, and bytes that stall. */

/**
 * @typedef {object} Network
 * @property {() => boolean} online false only where there is certainly none
 * @property {(type: 'online' | 'offline', listener: () => void, signal: AbortSignal) => void} on
 */

/** @type {Network} */
export const deviceNetwork = {
  online: () => navigator.onLine !== false,
  on: (type, listener, signal) => globalThis.addEventListener?.(type, listener, { signal }),
};

/**
 * @param {Network} network
 * @param {AbortSignal} signal
 * @returns {Promise<void>} once the device is online; rejects with the signal's reason
 */
export function onceOnline(network, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    if (network.online()) {
      resolve();
      return;
    }
    const waiting = new AbortController();
    network.on('online', () => (waiting.abort(), resolve()), AbortSignal.any([signal, waiting.signal]));
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: waiting.signal });
  });
}

// A page that was suspended finds its timers overdue and the socket's events unread: they get this long to arrive.
const WAKING_MS = 1500;

/** Runs out once for each time that it is set. */
export class Deadline {
  #clock;
  #passed;
  /** @type {(() => void) | null} */
  #takeBack = null;

  /** @param {import('../waiting.js').Clock} clock @param {() => void} passed */
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

// A phone that changes cells, or loses its signal for a moment, recovers within seconds without our help.
const STALL_MS = 8000;

/** Watches one socket while bytes wait in it; an idle socket sets no timer. */
export class Heartbeat {
  #clock;
  #backlog;
  #stalled;
  #given = 0;
  #left = 0;
  #movedAt = -Infinity;
  #ended = false;
  #deadline;

  /**
   * @param {import('../waiting.js').Clock} clock
   * @param {() => number} backlog bytes that have not left yet
   * @param {() => void} stalled called once, after `STALL_MS` in which nothing left and nothing arrived
   */
  constructor(clock, backlog, stalled) {
    this.#clock = clock;
    this.#backlog = backlog;
    this.#stalled = stalled;
    this.#deadline = new Deadline(clock, () => this.#evaluate());
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

  #evaluate() {
    if (!this.#measure()) return;
    const left = this.#movedAt + STALL_MS - this.#clock.now();
    if (left > 0) this.#deadline.set(left);
    else this.#stalled();
  }
}
