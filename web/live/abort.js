/** Waits for an AbortSignal. */

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>} rejects with the signal's reason when it aborts
 */
export function aborted(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
