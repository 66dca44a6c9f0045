/** Notices when neither side has said anything for too long. */

import { steadyClock } from './clock.js';
import { LiveError } from './errors.js';

/** The noise of a room stays below this, once the browser has suppressed what it can; a voice does not. */
export const VOICE = 0.02;

/** From its making until its signal; `broken()` begins anew. */
export class Silence {
  #clock;
  #limit;
  #busy;
  #over;
  #since;

  /**
   * @param {number} limit milliseconds
   * @param {object} page
   * @param {() => boolean} page.busy whether something goes on that takes its time, such as an answer
   * @param {() => void} page.over told once
   * @param {AbortSignal} signal
   * @param {import('./clock.js').Clock} [clock]
   */
  constructor(limit, { busy, over }, signal, clock = steadyClock) {
    this.#clock = clock;
    this.#limit = limit;
    this.#busy = busy;
    this.#over = over;
    this.#since = clock.now();
    this.#wait(signal);
  }

  broken() {
    this.#since = this.#clock.now();
  }

  /** @param {AbortSignal} signal */
  #wait(signal) {
    const left = this.#since + this.#limit - this.#clock.now();
    const takeBack = this.#clock.after(left, () => {
      signal.removeEventListener('abort', takeBack);
      if (this.#busy()) this.broken();
      if (this.#clock.now() - this.#since < this.#limit) this.#wait(signal);
      else this.#over();
    });
    signal.addEventListener('abort', takeBack);
  }
}

/** @returns {LiveError} */
export function silent() {
  const sentence = 'Nobody has said anything for a while, so the conversation was ended. Start again to go on.';
  return new LiveError('idle', sentence, { retryable: true });
}
