/** Plays chunks of 24 kHz without gaps, and silences them at once. */

import { loudness } from './pcm.js';
import { loadWorklet } from './worklets.js';

/** The window of a level and a spectrum: 21 ms at 48 kHz. */
export const METER_SAMPLES = 1024;
// A volume that changes at once would click.
const SLIDE_SECONDS = 0.01;

/** Speaking lasts from the first chunk until the queue has drained and the turn is complete, or until a flush. */
export class Speaker {
  #worklet;
  #meter;
  #gain;
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
    await loadWorklet(context, 'playback');
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

  /** @param {number} volume 0 to 1 */
  set volume(volume) {
    this.#gain.gain.setTargetAtTime(volume, 0, SLIDE_SECONDS);
  }

  /** @param {Int16Array<ArrayBuffer>} samples at 24 kHz; their buffer is transferred */
  play(samples) {
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

