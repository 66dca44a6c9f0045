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

  /** @param {VideoListeners} listeners @param {AbortSignal} signal */
  constructor(listeners, signal) {
    this.#listeners = listeners;
    this.#signal = signal;
  }

  /**
   * @param {'camera' | 'screen'} kind
   * @param {MediaTrackConstraints} [constraints]
   * @throws {import('../errors.js').LiveError}
   */
  async show(kind, constraints) {
    const { busy, send, changed } = this.#listeners;
    const stopped = () => this.stop();
    const camera = await Camera.open(kind, { constraints, busy, send, stopped, signal: this.#signal });
    this.#camera?.close();
    this.#camera = camera;
    changed({ kind, stream: camera.stream });
  }

  /**
   * Switches to the other camera of a phone, or to the next one.
   * @throws {import('../errors.js').LiveError}
   */
  async switch() {
    const camera = this.#camera;
    if (camera?.kind !== 'camera') return;
    const constraints = await camera.another();
    // A phone opens only one camera at a time.
    camera.close();
    try {
      await this.show('camera', constraints);
    } catch (error) {
      if (this.#camera === camera) this.stop();
      throw error;
    }
  }

  stop() {
    if (this.#camera === null) return;
    this.#camera.close();
    this.#camera = null;
    this.#listeners.changed(null);
  }
}
