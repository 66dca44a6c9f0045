/** An AbortSignal as a promise. */

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>} rejects with the signal's reason, once there is one
 */
export function aborted(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
