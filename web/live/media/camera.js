/** Captures a camera or a screen, as at most one JPEG a second. */

import { aborted } from '../abort.js';
import { mediaError, obstacle } from './media-errors.js';

/** The Live API reads at most one frame a second, and scales larger ones down. */
const INTERVAL_MS = 1000;
const LONG_SIDE = 768;
const RETRY_MS = 100;
const QUALITY = 0.8;

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
   * @param {() => void} options.stopped called when the person stops sharing, or the camera is disconnected
   * @param {AbortSignal} options.signal closes the camera, also while the prompt is open
   * @returns {Promise<Camera>}
   * @throws {import('../errors.js').LiveError}
   */
  static async open(kind, { constraints = {}, busy, send, stopped, signal }) {
    signal.throwIfAborted();
    const error = obstacle(kind);
    if (error) throw error;
    /** @type {MediaStream | undefined} */
    let stream;
    const video = document.createElement('video');
    try {
      stream =
        kind === 'screen'
          ? await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 5, ...constraints } })
          : await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, ...constraints } });
      signal.throwIfAborted();
      video.muted = true;
      video.playsInline = true;
      video.srcObject = stream;
      // autoplay does not start a video that is not in the document.
      await Promise.race([video.play(), aborted(signal)]);
    } catch (cause) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      throw signal.aborted ? signal.reason : mediaError(kind, cause);
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
    const jpeg = await this.#encode();
    if (!this.#open) return;
    this.#send(jpeg);
    this.#wait(INTERVAL_MS);
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    this.#timer = setTimeout(() => this.#captureNext(), milliseconds);
  }

  async #encode() {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, LONG_SIDE / Math.max(videoWidth, videoHeight));
    // Rotating a phone or resizing a window changes the frame's size.
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
    pen.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    const blob = await this.#canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
    return new Uint8Array(await blob.arrayBuffer());
  }
}
