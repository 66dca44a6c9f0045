/** Keeps the screen on during a conversation. */

/** @param {AbortSignal} signal releases the lock */
export function keepScreenOn(signal) {
  const ask = async () => {
    if (document.visibilityState !== 'visible') return;
    try {
      const lock = await navigator.wakeLock.request('screen');
      if (signal.aborted) await lock.release();
      else signal.addEventListener('abort', () => void lock.release(), { once: true });
    } catch {
      // Refused, by a low battery or a frame's policy: the screen may go dark, and the conversation continues.
    }
  };
  // The browser releases the lock when the page is hidden.
  document.addEventListener('visibilitychange', ask, { signal });
  void ask();
}
