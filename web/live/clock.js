/** Time as the client counts it: never the wall clock, which people set wrong. */

/**
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since any moment
 * @property {(milliseconds: number, call: () => void) => () => void} after calls once; what it returns takes it back
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
 * @returns {Promise<void>} rejects with the signal's reason
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
