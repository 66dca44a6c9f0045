/** Captures a camera or a screen, as at most one JPEG a second. */

import { aborted } from '../waiting.js';
import { openOrOther } from './browser.js';
import { mediaError, obstacle } from './media-errors.js';
import { encode } from './picture.js';

/** The Live API reads at most one frame a second. */
const INTERVAL_MS = 1000;
const RETRY_MS = 100;

/** An open camera or a shared screen. */
export class Camera {
  #stream;
  #video;
  #canvas = new OffscreenCanvas(1, 1);
  #busy;
  #send;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #open = true;

  /**
   * @param {'camera' | 'screen'} kind
   * @param {object} options
   * @param {MediaTrackConstraints} [options.constraints] such as `{facingMode: 'environment'}`
   * @param {() => boolean} options.busy whether sound is waiting to be sent: frames wait for it
   * @param {(jpeg: Uint8Array) => void} options.send
   * @param {boolean} options.any whether to use another camera if the chosen one is gone
   * @param {() => void} options.stopped called when the person stops sharing, or the camera is disconnected
   * @param {AbortSignal} options.wanted closes the camera until it is open, also while the prompt is
   * @param {AbortSignal} options.signal closes the camera
   * @returns {Promise<Camera>}
   * @throws {import('../errors.js').LiveError}
   */
  static async open(kind, { constraints, any, busy, send, stopped, wanted, signal }) {
    const ending = AbortSignal.any([wanted, signal]);
    ending.throwIfAborted();
    const error = obstacle(kind);
    if (error) throw error;
    /** @type {MediaStream | undefined} */
    let stream;
    const video = document.createElement('video');
    try {
      stream =
        kind === 'screen'
          ? await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 5, ...constraints } })
          : await openOrOther('video', { width: 1280, height: 720, ...constraints }, any);
      video.muted = true;
      video.playsInline = true;
      video.srcObject = stream;
      // autoplay does not start a video that is not in the document.
      await Promise.race([video.play(), aborted(ending)]);
      ending.throwIfAborted();
    } catch (cause) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      throw ending.aborted ? ending.reason : mediaError(kind, cause);
    }
    const camera = new Camera(kind, stream, video, { busy, send, stopped });
    signal.addEventListener('abort', () => camera.close(), { once: true });
    return camera;
  }

  /**
   * @param {'camera' | 'screen'} kind
   * @param {MediaStream} stream
   * @param {HTMLVideoElement} video playing it
   * @param {{busy: () => boolean, send: (jpeg: Uint8Array) => void, stopped: () => void}} listeners
   */
  constructor(kind, stream, video, { busy, send, stopped }) {
    /** @type {'camera' | 'screen'} */
    this.kind = kind;
    this.#stream = stream;
    this.#video = video;
    this.#busy = busy;
    this.#send = send;
    this.#track.onended = () => {
      this.close();
      stopped();
    };
    this.#captureNext();
  }

  /** For a preview. Its tracks are stopped by close(). */
  get stream() {
    return this.#stream;
  }

  /** @returns {Promise<MediaTrackConstraints>} of the camera on the other side, or of the next one */
  async another() {
    const { facingMode, deviceId } = this.#track.getSettings();
    if (facingMode) return { facingMode: facingMode === 'environment' ? 'user' : 'environment' };
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
    const next = cameras.findIndex((camera) => camera.deviceId === deviceId) + 1;
    return { deviceId: { exact: cameras[next % cameras.length].deviceId } };
  }

  close() {
    this.#open = false;
    clearTimeout(this.#timer);
    this.#track.onended = null;
    this.#track.stop();
    this.#video.srcObject = null;
  }

  get #track() {
    return this.#stream.getVideoTracks()[0];
  }

  async #captureNext() {
    // A camera that is being rotated has no frame for a moment.
    if (this.#busy() || this.#video.videoWidth === 0) {
      this.#wait(RETRY_MS);
      return;
    }
    try {
      // Rotating a phone or resizing a window changes the frame's size.
      const jpeg = await encode(this.#canvas, this.#video, this.#video.videoWidth, this.#video.videoHeight);
      if (this.#open) this.#send(jpeg);
    } catch {
      // A picture that cannot be made, as when memory is short, is left out.
    }
    if (this.#open) this.#wait(INTERVAL_MS);
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    this.#timer = setTimeout(() => this.#captureNext(), milliseconds);
  }
}
