/** Captures a microphone at the device's own rate, as 16 kHz chunks of 20 ms. */

import { LiveError } from '../errors.js';
import { deviceError } from './device-error.js';
import { loudness } from './pcm.js';
import { METER_SAMPLES } from './speaker.js';
import { loadWorklet } from './worklets.js';

/** The browser's processing for speech; explicit, because the defaults differ between browsers. */
const SPEECH = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Queried once: Chromium keeps each result until the page is closed. @type {Promise<PermissionStatus> | undefined} */
let permission;

/** @returns {Promise<boolean>} whether there is a microphone that can be opened without a prompt */
export async function microphoneReady() {
  try {
    permission ??= navigator.permissions.query({ name: 'microphone' });
    const [{ state }, devices] = await Promise.all([permission, navigator.mediaDevices.enumerateDevices()]);
    return state === 'granted' && devices.some(({ kind }) => kind === 'audioinput');
  } catch {
    // Not every browser knows this permission's name; treated as not granted.
    return false;
  }
}

/** @param {MediaStreamConstraints} wanted @returns {Promise<MediaStream>} rejects if there is no `mediaDevices` */
const ask = async (wanted) => navigator.mediaDevices.getUserMedia(wanted);

/** An open microphone; muting stops its chunks, closing removes the browser's recording sign. */
export class Microphone {
  #stream;
  #source;
  #worklet;
  #muted = false;
  #level = 0;
  #closed = new AbortController();
  /** @type {AnalyserNode | null} */
  #analyser = null;

  /**
   * @param {AudioContext} context at the device's own rate: Firefox fails with any other
   * @param {object} options
   * @param {MediaTrackConstraints} [options.constraints] added to those for speech
   * @param {(chunk: Int16Array) => void} options.captured called with 320 samples, to be used at once: the buffer is reused
   * @param {(microphone: Microphone, error: LiveError) => void} options.lost called when the device is disconnected
   * @param {AbortSignal} options.signal closes the microphone, also while the prompt is open
   * @returns {Promise<Microphone>}
   * @throws {LiveError}
   */
  static async open(context, { constraints = {}, captured, lost, signal }) {
    const audio = { ...SPEECH, ...constraints };
    const [opened, worklet] = await Promise.allSettled([
      ask({ audio }),
      loadWorklet(context, 'capture'),
    ]);
    if (opened.status === 'rejected') throw await deviceError('microphone', opened.reason);
    const stream = opened.value;
    if (signal.aborted || worklet.status === 'rejected') {
      for (const track of stream.getTracks()) track.stop();
      throw signal.reason ?? /** @type {PromiseRejectedResult} */ (worklet).reason;
    }
    const microphone = new Microphone(context, stream, captured, lost);
    signal.addEventListener('abort', () => microphone.close(), { signal: microphone.#closed.signal });
    return microphone;
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   * @param {(chunk: Int16Array) => void} captured
   * @param {(microphone: Microphone, error: LiveError) => void} lost
   */
  constructor(context, stream, captured, lost) {
    this.#stream = stream;
    this.#source = context.createMediaStreamSource(stream);
    this.#worklet = new AudioWorkletNode(context, 'tokensvc-capture', {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    this.#worklet.port.onmessage = ({ data: chunk }) => {
      this.#level = loudness(chunk, 0x8000);
      if (!this.#muted) captured(chunk);
      this.#worklet.port.postMessage(chunk, [chunk.buffer]);
    };
    this.#source.connect(this.#worklet);
    this.#track.onended = () => {
      const sentence = 'The microphone was disconnected. Connect it and start again.';
      lost(this, new LiveError('microphone-lost', sentence, { retryable: true }));
    };
  }

  /** The loudness of the last 20 ms: root mean square, 0 to 1; 0 while muted. */
  get level() {
    return this.#muted ? 0 : this.#level;
  }

  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    this.#muted = muted;
    this.#track.enabled = !muted;
  }

  /** For a visualizer; created on first use. */
  get analyser() {
    if (this.#analyser === null) {
      this.#analyser = new AnalyserNode(this.#source.context, { fftSize: METER_SAMPLES });
      this.#source.connect(this.#analyser);
    }
    return this.#analyser;
  }

  close() {
    this.#closed.abort();
    this.#track.onended = null;
    this.#track.stop();
    this.#source.disconnect();
    this.#worklet.port.postMessage('close');
    this.#worklet.port.close();
  }

  get #track() {
    return this.#stream.getAudioTracks()[0];
  }
}
