/** The device's network, as far as the browser knows. */

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
