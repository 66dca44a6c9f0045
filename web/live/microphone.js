/** Sound in: a microphone at the device's own rate, as 16 kHz chunks of 20 ms. */

import { LiveError, whyNot } from './errors.js';
import { loudness } from './pcm.js';
import { METER_SAMPLES } from './speaker.js';
import { loadWorklet } from './worklets.js';

/** What the browser is to do for speech; said outright, because browsers differ in what they do unasked. */
const SPEECH = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Asked for once: Chromium keeps each of them until the page goes. @type {Promise<PermissionStatus> | undefined} */
let permission;

/** @returns {Promise<boolean>} whether nobody will be asked for the microphone, and there is one */
export async function microphoneReady() {
  try {
    permission ??= navigator.permissions.query({ name: 'microphone' });
    const [{ state }, devices] = await Promise.all([permission, navigator.mediaDevices.enumerateDevices()]);
    return state === 'granted' && devices.some(({ kind }) => kind === 'audioinput');
  } catch {
    // Not every browser knows a permission by this name; then it is as if nothing were granted.
    return false;
  }
}

/** @param {MediaStreamConstraints} wanted @returns {Promise<MediaStream>} rejects also where there is nobody to ask */
const ask = async (wanted) => navigator.mediaDevices.getUserMedia(wanted);

/** An open microphone; it is silent to the page while muted, and gone from the browser's tab once closed. */
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
   * @param {AudioContext} context running at any rate; a context of another rate than the device's fails in Firefox
   * @param {object} options
   * @param {MediaTrackConstraints} [options.constraints] instead of, or on top of, what suits speech
   * @param {(chunk: Int16Array) => void} options.hear 320 samples each, to be used at once: the memory is used again
   * @param {(microphone: Microphone, error: LiveError) => void} options.lost the device went away
   * @param {AbortSignal} options.signal closes the microphone, also one that is still being asked for
   * @returns {Promise<Microphone>}
   * @throws {LiveError}
   */
  static async open(context, { constraints = {}, hear, lost, signal }) {
    const audio = { ...SPEECH, ...constraints };
    const [asked, loaded] = await Promise.allSettled([
      ask({ audio }),
      loadWorklet(context, 'capture'),
    ]);
    if (asked.status === 'rejected') throw await whyNot('microphone', asked.reason);
    const stream = asked.value;
    if (signal.aborted || loaded.status === 'rejected') {
      for (const track of stream.getTracks()) track.stop();
      throw signal.reason ?? /** @type {PromiseRejectedResult} */ (loaded).reason;
    }
    const microphone = new Microphone(context, stream, hear, lost);
    signal.addEventListener('abort', () => microphone.close(), { signal: microphone.#closed.signal });
    return microphone;
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   * @param {(chunk: Int16Array) => void} hear
   * @param {(microphone: Microphone, error: LiveError) => void} lost
   */
  constructor(context, stream, hear, lost) {
    this.#stream = stream;
    this.#source = context.createMediaStreamSource(stream);
    this.#worklet = new AudioWorkletNode(context, 'tokensvc-capture', {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    this.#worklet.port.onmessage = ({ data: chunk }) => {
      this.#level = loudness(chunk, 0x8000);
      if (!this.#muted) hear(chunk);
      this.#worklet.port.postMessage(chunk, [chunk.buffer]);
    };
    this.#source.connect(this.#worklet);
    this.#track.onended = () => {
      const sentence = 'The microphone was unplugged or taken away. Connect it and start again.';
      lost(this, new LiveError('microphone-lost', sentence, { retryable: true }));
    };
  }

  /** How loud the last 20 ms were: root mean square, 0 to 1; 0 while muted. */
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

  /** For a picture of what is heard; made for who asks. */
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
