/** What sound and video ask of the browser: a device, a worklet, a screen that stays on. */

import { importOrFail } from '../errors.js';

/**
 * @param {'audio' | 'video'} kind
 * @param {MediaTrackConstraints} wanted
 * @param {boolean} any whether another device will do
 * @returns {Promise<MediaStream>} rejects as `getUserMedia` does, also if there is no `mediaDevices`
 */
export async function openOrOther(kind, wanted, any) {
  const ask = async (/** @type {MediaTrackConstraints} */ audioOrVideo) => navigator.mediaDevices.getUserMedia({ [kind]: audioOrVideo });
  const { deviceId, ...rest } = wanted;
  return ask(wanted).catch((cause) => {
    const gone = any && deviceId !== undefined && /^(NotFound|Overconstrained)Error$/.test(cause?.name);
    return gone ? ask(rest) : Promise.reject(cause);
  });
}

/**
 * @param {import('./media-errors.js').Device} device that could not be opened
 * @param {unknown} cause
 * @returns {Promise<import('../errors.js').LiveError>}
 */
export async function deviceError(device, cause) {
  return (await importOrFail(import('./media-errors.js'))).mediaError(device, cause);
}

/** A literal address in this form is what bundlers recognize: they copy the file and put its own address in. */
const worklet = () => new URL('./audio-worklet.js', import.meta.url);

/**
 * From a file: a strict Content Security Policy allows nothing else. A context runs it once, however often it is loaded.
 * @param {AudioContext} context
 * @throws {LiveError} `page-incomplete`
 */
export async function loadWorklet(context) {
  await importOrFail(context.audioWorklet.addModule(worklet()));
}

/** Prefetches it. Never rejects: an error is reported when it is needed. */
export async function warmWorklet() {
  try {
    await (await fetch(worklet(), { credentials: 'same-origin' })).arrayBuffer();
  } catch {
    // Reported by loadWorklet().
  }
}

/** @param {AbortSignal} signal releases the lock */
export function keepScreenOn(signal) {
  const ask = async () => {
    if (signal.aborted || document.visibilityState !== 'visible') return;
    try {
      const lock = await navigator.wakeLock.request('screen');
      if (signal.aborted) await lock.release();
      else signal.addEventListener('abort', () => lock.release().catch(() => {}), { once: true });
    } catch {
      // Refused, by a low battery or a frame's policy: the screen may go dark, and the conversation continues.
    }
  };
  // The browser releases the lock when the page is hidden.
  document.addEventListener('visibilitychange', ask, { signal });
  void ask();
}
