/** Keeps a screen lit while somebody talks and does not touch it. */

/** @param {AbortSignal} signal lets it go dark again */
export function stayAwake(signal) {
  const ask = async () => {
    if (document.visibilityState !== 'visible') return;
    try {
      const lock = await navigator.wakeLock.request('screen');
      if (signal.aborted) await lock.release();
      else signal.addEventListener('abort', () => void lock.release(), { once: true });
    } catch {
      // An empty battery or a frame's policy forbids it: the screen goes dark, and the conversation goes on.
    }
  };
  // The browser takes the lock from a page that is hidden.
  document.addEventListener('visibilitychange', ask, { signal });
  void ask();
}
