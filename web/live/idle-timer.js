/** Detects that neither side has said anything for too long; loaded if a profile has it. */

import { LiveError } from './errors.js';
import { steadyClock } from './waiting.js';

/** Runs until its signal aborts. */
export class IdleTimer {
  #clock;
  #limit;
  #busy;
  #expired;
  #since;

  /**
   * @param {number} limit milliseconds
   * @param {object} page
   * @param {() => boolean} page.busy whether something is in progress, such as an answer
   * @param {() => void} page.expired called once
   * @param {AbortSignal} signal
   * @param {import('./waiting.js').Clock} [clock]
   */
  constructor(limit, { busy, expired }, signal, clock = steadyClock) {
    this.#clock = clock;
    this.#limit = limit;
    this.#busy = busy;
    this.#expired = expired;
    this.#since = clock.now();
    this.#wait(signal);
  }

  reset() {
    this.#since = this.#clock.now();
  }

  /** @param {AbortSignal} signal */
  #wait(signal) {
    if (signal.aborted) return;
    const left = this.#since + this.#limit - this.#clock.now();
    const takeBack = this.#clock.after(left, () => {
      signal.removeEventListener('abort', takeBack);
      if (this.#busy()) this.reset();
      if (this.#clock.now() - this.#since < this.#limit) this.#wait(signal);
      else this.#expired();
    });
    signal.addEventListener('abort', takeBack);
  }
}

/** @returns {LiveError} */
export function idle() {
  const sentence = 'The conversation ended because nobody spoke for a while. Start again to continue.';
  return new LiveError('idle', sentence, { retryable: true });
}
