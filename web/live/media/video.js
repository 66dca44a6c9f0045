/** Shows one camera or screen at a time; loaded on first use. */

import { Camera } from './camera.js';

/** @typedef {{kind: 'camera' | 'screen', stream: MediaStream}} Shown */

/**
 * @typedef {object} VideoListeners
 * @property {() => boolean} busy whether anything is waiting to be sent: frames wait for it
 * @property {(jpeg: Uint8Array) => void} send
 * @property {(shown: Shown | null) => void} changed
 */

/** Closed by its signal. */
export class Video {
  #listeners;
  #signal;
  /** @type {Camera | null} */
  #camera = null;
  /** The page's signal, which stops what is shown. @type {AbortSignal | undefined} */
  #until;

  /** @param {VideoListeners} listeners @param {AbortSignal} signal */
  constructor(listeners, signal) {
    this.#listeners = listeners;
    this.#signal = signal;
  }

  /** @returns {'camera' | 'screen' | undefined} */
  get shows() {
    return this.#camera?.kind;
  }

  /**
   * @param {'camera' | 'screen'} kind
   * @param {MediaTrackConstraints | undefined} constraints
   * @param {AbortSignal} wanted aborts when it is not to be shown any more, also while the prompt is open
   * @param {AbortSignal} [until] stops it later
   * @throws {import('../errors.js').LiveError}
   */
  async show(kind, constraints, wanted, until) {
    const { busy, send, changed } = this.#listeners;
    /** @type {Camera} */
    const camera = await Camera.open(kind, {
      constraints,
      any: this.#camera === null,
      busy,
      send,
      stopped: () => this.#camera === camera && this.stop(),
      wanted,
      signal: this.#signal,
    });
    if (wanted.aborted) camera.close();
    wanted.throwIfAborted();
    this.#camera?.close();
    this.#camera = camera;
    this.#until = until;
    until?.addEventListener('abort', () => this.#until === until && this.stop(), { signal: this.#signal });
    changed({ kind, stream: camera.stream });
  }

  /**
   * Switches to the other camera of a phone, or to the next one.
   * @param {AbortSignal} wanted as for `show`
   * @throws {import('../errors.js').LiveError}
   */
  async switch(wanted) {
    const camera = this.#camera;
    if (camera?.kind !== 'camera') return;
    const constraints = await camera.another();
    wanted.throwIfAborted();
    // A phone opens only one camera at a time.
    camera.close();
    try {
      await this.show('camera', constraints, wanted, this.#until);
    } catch (error) {
      if (this.#camera === camera && !wanted.aborted) this.stop();
      throw error;
    }
  }

  stop() {
    if (this.#camera === null) return;
    this.#camera.close();
    this.#camera = null;
    this.#until = undefined;
    this.#listeners.changed(null);
  }
}
