/** Microphone and loudspeaker: each with a worklet, a level and a spectrum. */

import { LiveError } from '../errors.js';
import { deviceError, loadWorklet, openOrOther } from './browser.js';
import { loudness } from './pcm.js';

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

/** @typedef {{id: string, label: string, muted: boolean}} InUse `muted`: by its own switch, or by the system */

/** @param {unknown} microphone what a page chose @returns {microphone is MediaStream} */
export const isStream = (microphone) => typeof microphone === 'object' && microphone !== null && 'getAudioTracks' in microphone;

/**
 * An open microphone; muting stops its chunks, closing removes the browser's recording sign. A stream that the page gave
 * stays the page's: its tracks are neither muted nor stopped.
 */
export class Microphone {
  #stream;
  #given;
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
   * @param {MediaTrackConstraints | MediaStream} [options.constraints] added to those for speech; or the page's own stream
   * @param {(chunk: Int16Array) => void} options.captured called with 320 samples, to be used at once: the buffer is reused
   * @param {(microphone: Microphone, error: LiveError) => void} options.lost called when the device is disconnected
   * @param {(device: InUse) => void} options.using called when the device is muted or unmuted, by its switch or the system
   * @param {boolean} options.any whether to use another microphone if the chosen one is gone
   * @param {AbortSignal} options.signal closes the microphone, also while the prompt is open
   * @returns {Promise<Microphone>}
   * @throws {LiveError}
   */
  static async open(context, { constraints = {}, captured, lost, using, any, signal }) {
    signal.throwIfAborted();
    const given = isStream(constraints);
    /** @type {MediaStream | undefined} of ours */
    let stream;
    const stop = () => stream?.getTracks().forEach((track) => track.stop());
    const asked = given ? constraints : openOrOther('audio', { ...SPEECH, ...constraints }, any).then((granted) => {
      stream = granted;
      if (signal.aborted) stop();
      return granted;
    });
    signal.addEventListener('abort', stop, { once: true });
    const [opened, worklet] = await Promise.allSettled([asked, loadWorklet(context)]);
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
    if (opened.status === 'rejected') throw await deviceError('microphone', opened.reason);
    if (worklet.status === 'rejected') {
      stop();
      throw worklet.reason;
    }
    if (opened.value.getAudioTracks().length === 0) throw await deviceError('microphone', { name: 'NotFoundError' });
    const microphone = new Microphone(context, opened.value, { captured, lost, using, given });
    signal.addEventListener('abort', () => microphone.close(), { signal: microphone.#closed.signal });
    return microphone;
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   * @param {object} options
   * @param {(chunk: Int16Array) => void} options.captured
   * @param {(microphone: Microphone, error: LiveError) => void} options.lost
   * @param {(device: InUse) => void} options.using
   * @param {boolean} options.given whether the stream is the page's
   */
  constructor(context, stream, { captured, lost, using, given }) {
    this.#stream = stream;
    this.#given = given;
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
    const ended = () => {
      const sentence = 'The microphone was disconnected. Connect it and start again.';
      lost(this, new LiveError('microphone-lost', sentence, { retryable: true }));
    };
    this.#track.addEventListener('ended', ended, { signal: this.#closed.signal });
    for (const type of ['mute', 'unmute']) {
      this.#track.addEventListener(type, () => using(this.device), { signal: this.#closed.signal });
    }
  }

  /** @returns {InUse} */
  get device() {
    const { label, muted } = this.#track;
    return { id: this.#track.getSettings().deviceId ?? '', label, muted };
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
    if (!this.#given) this.#track.enabled = !muted;
  }

  /** Whether its stream is the page's, which no other device can replace. */
  get given() {
    return this.#given;
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
    if (!this.#given) this.#track.stop();
    this.#source.disconnect();
    this.#worklet.port.postMessage('close');
    this.#worklet.port.close();
  }

  get #track() {
    return this.#stream.getAudioTracks()[0];
  }
}

/** The window of a level and a spectrum: 21 ms at 48 kHz. */
export const METER_SAMPLES = 1024;
// A volume that changes at once would click.
const SLIDE_SECONDS = 0.01;

/** Speaking lasts from the first chunk until the queue has drained and the turn is complete, or until a flush. */
export class Speaker {
  #worklet;
  #meter;
  #gain;
  /** @type {MediaStreamAudioDestinationNode | null} */
  #output = null;
  #waveform = new Float32Array(METER_SAMPLES);
  #changed;
  #speaking = false;
  #turnComplete = true;
  /** Chunks given to the worklet, and how many of them it had received when its queue last ran empty. */
  #given = 0;
  #drained = 0;

  /**
   * @param {AudioContext} context
   * @param {object} options
   * @param {(speaking: boolean) => void} options.changed
   * @param {AbortSignal} options.signal closes the speaker
   * @returns {Promise<Speaker>}
   */
  static async open(context, { changed, signal }) {
    await loadWorklet(context);
    signal.throwIfAborted();
    const speaker = new Speaker(context, changed);
    signal.addEventListener('abort', () => speaker.close(), { once: true });
    return speaker;
  }

  /** @param {AudioContext} context @param {(speaking: boolean) => void} changed */
  constructor(context, changed) {
    this.#changed = changed;
    this.#worklet = new AudioWorkletNode(context, 'tokensvc-playback', {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.#meter = new AnalyserNode(context, { fftSize: METER_SAMPLES });
    this.#worklet.port.onmessage = ({ data: received }) => {
      this.#drained = received;
      this.#settle();
    };
    this.#gain = new GainNode(context);
    this.#worklet.connect(this.#meter).connect(this.#gain).connect(context.destination);
  }

  get speaking() {
    return this.#speaking;
  }

  /** The current loudness: root mean square, 0 to 1. */
  get level() {
    this.#meter.getFloatTimeDomainData(this.#waveform);
    return loudness(this.#waveform, 1);
  }

  /** For a visualizer, independent of the volume. */
  get analyser() {
    return this.#meter;
  }

  /** What is played, independent of the volume; created on first use. */
  get stream() {
    if (this.#output === null) {
      this.#output = new MediaStreamAudioDestinationNode(/** @type {AudioContext} */ (this.#meter.context));
      this.#meter.connect(this.#output);
    }
    return this.#output.stream;
  }

  /** @param {number} volume 0 to 1 */
  set volume(volume) {
    this.#gain.gain.setTargetAtTime(volume, 0, SLIDE_SECONDS);
  }

  /** @param {Int16Array<ArrayBuffer>} samples at 24 kHz; their buffer is transferred */
  play(samples) {
    // The worklet would never report that it has played nothing.
    if (samples.length === 0) return;
    this.#given += 1;
    this.#turnComplete = false;
    this.#worklet.port.postMessage(samples, [samples.buffer]);
    this.#speak(true);
  }

  /** Fades out within the next quantum and 4 ms, and drops what was queued. */
  flush() {
    this.#worklet.port.postMessage('flush');
    this.#drained = this.#given;
    this.#speak(false);
  }

  /** Nothing more will be played in this turn. */
  completeTurn() {
    this.#turnComplete = true;
    this.#settle();
  }

  close() {
    this.#worklet.port.postMessage('close');
    this.#worklet.port.close();
    this.#worklet.disconnect();
    for (const track of this.#output?.stream.getTracks() ?? []) track.stop();
    this.#meter.disconnect();
    this.#gain.disconnect();
  }

  #settle() {
    if (this.#turnComplete && this.#drained === this.#given) this.#speak(false);
  }

  /** @param {boolean} speaking */
  #speak(speaking) {
    if (speaking === this.#speaking) return;
    this.#speaking = speaking;
    this.#changed(speaking);
  }
}
