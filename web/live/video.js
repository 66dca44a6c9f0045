/** What is being shown, one thing at a time; loaded when something is. */

import { Camera } from './camera.js';

/** @typedef {{kind: 'camera' | 'screen', stream: MediaStream}} Shown */

/**
 * @typedef {object} VideoListeners
 * @property {() => boolean} busy whether anything waits to leave; pictures let it go first
 * @property {(jpeg: Uint8Array) => void} show
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
   * @throws {import('./errors.js').LiveError}
   */
  async show(kind, constraints) {
    const { busy, show, changed } = this.#listeners;
    const stopped = () => this.stop();
    const camera = await Camera.open(kind, { constraints, busy, show, stopped, signal: this.#signal });
    this.#camera?.close();
    this.#camera = camera;
    changed({ kind, stream: camera.stream });
  }

  /**
   * The other side of a telephone, or the next camera.
   * @throws {import('./errors.js').LiveError}
   */
  async switch() {
    const camera = this.#camera;
    if (camera?.kind !== 'camera') return;
    const constraints = await camera.another();
    // A telephone opens one camera at a time.
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
