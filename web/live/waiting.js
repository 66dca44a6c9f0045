/** Waits for a time, by a monotonic clock, and for an AbortSignal. */

/**
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since an arbitrary moment
 * @property {(milliseconds: number, call: () => void) => () => void} after calls once; the function that it returns cancels the call
 */

/** @type {Clock} */
export const steadyClock = {
  now: () => performance.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

/**
 * @param {Clock} clock
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>} rejects with the signal's reason on abort
 */
export function pause(clock, milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => {
      takeBack();
      reject(signal.reason);
    };
    const takeBack = clock.after(milliseconds, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}

/**
 * @template Result
 * @param {Promise<Result>} pending
 * @param {AbortSignal} [signal]
 * @returns {Promise<Result>} rejects with the signal's reason as soon as it aborts
 */
export const unlessAborted = (pending, signal) => (signal ? Promise.race([pending, aborted(signal)]) : pending);

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>} rejects with the signal's reason when it aborts
 */
export function aborted(signal) {
  return new Promise((_, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
