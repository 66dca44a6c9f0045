/** Pictures in: a camera or a screen, as at most one JPEG a second. */

import { aborted } from './abort.js';
import { mediaError, obstacle } from './media-errors.js';

/** The Live API reads no more than one picture a second, and none larger than this is of use to it. */
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
  #show;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #open = true;

  /**
   * @param {'camera' | 'screen'} kind
   * @param {object} options
   * @param {MediaTrackConstraints} [options.constraints] such as `{facingMode: 'environment'}`
   * @param {() => boolean} options.busy whether sound is waiting to leave; pictures let it go first
   * @param {(jpeg: Uint8Array) => void} options.show
   * @param {() => void} options.stopped the person stopped sharing, or the camera went away
   * @param {AbortSignal} options.signal closes the camera, also one that is still being asked for
   * @returns {Promise<Camera>}
   * @throws {import('./errors.js').LiveError}
   */
  static async open(kind, { constraints = {}, busy, show, stopped, signal }) {
    signal.throwIfAborted();
    const hindrance = obstacle(kind);
    if (hindrance) throw hindrance;
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
      // Asked to play by itself, a video that is not on the page would not.
      await Promise.race([video.play(), aborted(signal)]);
    } catch (cause) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      throw signal.aborted ? signal.reason : mediaError(kind, cause);
    }
    const camera = new Camera(kind, stream, video, { busy, show, stopped });
    signal.addEventListener('abort', () => camera.close(), { once: true });
    return camera;
  }

  /**
   * @param {'camera' | 'screen'} kind
   * @param {MediaStream} stream
   * @param {HTMLVideoElement} video playing it
   * @param {{busy: () => boolean, show: (jpeg: Uint8Array) => void, stopped: () => void}} page
   */
  constructor(kind, stream, video, { busy, show, stopped }) {
    this.kind = kind;
    this.#stream = stream;
    this.#video = video;
    this.#busy = busy;
    this.#show = show;
    this.#track.onended = () => {
      this.close();
      stopped();
    };
    this.#look();
  }

  /** For a preview; stopping its tracks is this object's business. */
  get stream() {
    return this.#stream;
  }

  /** @returns {Promise<MediaTrackConstraints>} what to ask for to get the other side's camera, or the next one */
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

  async #look() {
    // A camera that is being turned has no picture for a moment.
    if (this.#busy() || this.#video.videoWidth === 0) {
      this.#wait(RETRY_MS);
      return;
    }
    const jpeg = await this.#picture();
    if (!this.#open) return;
    this.#show(jpeg);
    this.#wait(INTERVAL_MS);
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    this.#timer = setTimeout(() => this.#look(), milliseconds);
  }

  async #picture() {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, LONG_SIDE / Math.max(videoWidth, videoHeight));
    // A phone that is turned, or a window that is resized, changes the picture's shape.
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
    pen.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    const blob = await this.#canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
    return new Uint8Array(await blob.arrayBuffer());
  }
}
