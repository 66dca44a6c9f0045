/** Both directions of sound, over one AudioContext. */

import { aborted } from './abort.js';
import { LiveError } from './errors.js';
import { Microphone } from './microphone.js';
import { Speaker } from './speaker.js';

const START_LIMIT_MS = 5000;

/** Made in the person's gesture, opened when there is time, and closed by its signal. */
export class Sound {
  #context = new AudioContext({ latencyHint: 'interactive' });
  #signal;
  /** @type {Microphone | null} */
  #microphone = null;
  /** @type {Speaker | null} */
  #speaker = null;

  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => void this.#context.close(), { once: true });
  }

  /**
   * @param {object} options
   * @param {boolean | MediaTrackConstraints} options.microphone `false` for none
   * @param {(chunk: Int16Array) => void} options.hear 20 ms of the microphone, to be used at once
   * @param {(error: LiveError) => void} options.lost the microphone went away
   * @param {(speaking: boolean) => void} options.changed whether the answer is being heard
   * @throws {LiveError}
   */
  async open({ microphone, hear, lost, changed }) {
    const context = this.#context;
    const signal = this.#signal;
    const constraints = microphone === true ? {} : microphone;
    const [speaker, opened] = await Promise.all([
      Speaker.open(context, { changed, signal }),
      constraints ? Microphone.open(context, { constraints, hear, lost, signal }) : null,
      this.#running(),
    ]);
    signal.throwIfAborted();
    this.#speaker = speaker;
    this.#microphone = opened;
  }

  /** Whether there is a microphone. */
  get voiced() {
    return this.#microphone !== null;
  }

  /** How loud the microphone and the answer are, each as root mean square from 0 to 1. */
  get levels() {
    return { microphone: this.#microphone?.level ?? 0, speaker: this.#speaker?.level ?? 0 };
  }

  /** @param {boolean} muted */
  mute(muted) {
    if (this.#microphone) this.#microphone.muted = muted;
  }

  /** @param {Int16Array<ArrayBuffer>} samples at 24 kHz */
  play(samples) {
    this.#speaker?.play(samples);
  }

  /** Silence, within 4 ms. */
  flush() {
    this.#speaker?.flush();
  }

  /** The answer will not go on. */
  completeTurn() {
    this.#speaker?.completeTurn();
  }

  /** Waits until the context runs; outside a gesture some browsers never let it. */
  async #running() {
    const limit = AbortSignal.any([this.#signal, AbortSignal.timeout(START_LIMIT_MS)]);
    try {
      await Promise.race([this.#context.resume(), aborted(limit)]);
    } catch (cause) {
      this.#signal.throwIfAborted();
      const sentence = 'The browser keeps sound off until something on the page is pressed. Press the button to talk again.';
      throw new LiveError('sound-blocked', sentence, { retryable: true, cause });
    }
  }
}
