/** Both directions of sound, over one AudioContext. */

import { aborted } from './abort.js';
import { LiveError, whyNot } from './errors.js';
import { Microphone } from './microphone.js';
import { Speaker } from './speaker.js';

const START_LIMIT_MS = 5000;
// A worklet that is told to end needs to be asked for sound once more to do so.
const LAST_SECONDS = 0.1;

/** @typedef {AudioContext & {sinkId?: string, setSinkId: (id: string) => Promise<void>}} ChoosingContext not every browser's */

/**
 * @typedef {object} SoundListeners
 * @property {(chunk: Int16Array) => void} hear 20 ms of the microphone, to be used at once
 * @property {(error: LiveError) => void} lost the microphone went away, and there is no other
 * @property {(speaking: boolean) => void} changed whether the answer is being heard
 */

/** Made in the person's gesture, opened when there is time, and closed by its signal. */
export class Sound {
  #context = new AudioContext({ latencyHint: 'interactive' });
  #listeners;
  #signal;
  #resumed;
  #muted = false;
  #volume = 1;
  /** One change of microphone after another. @type {Promise<void>} */
  #changes = Promise.resolve();
  /** @type {Microphone | null} */
  #microphone = null;
  /** @type {Speaker | null} */
  #speaker = null;

  /** @param {SoundListeners} listeners @param {AbortSignal} signal */
  constructor(listeners, signal) {
    this.#listeners = listeners;
    this.#signal = signal;
    // In the gesture itself, or a telephone keeps it silent. Whether it worked is looked at in open().
    this.#resumed = this.#context.resume();
    this.#resumed.catch(() => {});
    signal.addEventListener('abort', () => this.#close(), { once: true });
  }

  /**
   * @param {object} options
   * @param {boolean | MediaTrackConstraints} options.microphone `false` for none
   * @param {string} [options.speaker] a device's id
   * @throws {LiveError}
   */
  async open({ microphone, speaker }) {
    const constraints = microphone === true ? {} : microphone;
    // It has no worklets either; that is not what it should be told.
    if (!globalThis.isSecureContext) throw await whyNot(constraints ? 'microphone' : 'speaker', null);
    const { changed } = this.#listeners;
    const [opened] = await Promise.all([
      Speaker.open(this.#context, { changed, signal: this.#signal }),
      constraints && this.#take(constraints),
      // One that was chosen the other day may be gone; then it is the usual one.
      speaker && this.useSpeaker(speaker).catch(() => {}),
      this.#running(),
    ]);
    this.#signal.throwIfAborted();
    this.#speaker = opened;
    this.volume = this.#volume;
    this.#comeBack();
  }

  /** Whether there is a microphone. */
  get voiced() {
    return this.#microphone !== null;
  }

  /** Whether the answer is being heard. */
  get speaking() {
    return this.#speaker?.speaking ?? false;
  }

  /** How loud the microphone and the answer are, each as root mean square from 0 to 1. */
  get levels() {
    return { microphone: this.#microphone?.level ?? 0, speaker: this.#speaker?.level ?? 0 };
  }

  /** How loud the microphone alone is. */
  get voice() {
    return this.#microphone?.level ?? 0;
  }

  /** Milliseconds from the graph to the ear, as far as the device says; 0 where it does not. */
  get outputLatency() {
    return (this.#context.outputLatency || 0) * 1000;
  }

  /** @param {'microphone' | 'speaker'} side @returns {AnalyserNode | undefined} */
  analyser(side) {
    return (side === 'speaker' ? this.#speaker : this.#microphone)?.analyser;
  }

  /** @param {number} volume 0 to 1 */
  set volume(volume) {
    this.#volume = volume;
    if (this.#speaker) this.#speaker.volume = volume;
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#muted = muted;
    if (this.#microphone) this.#microphone.muted = muted;
  }

  /**
   * Another microphone, or the first; where it cannot be had, the present one stays.
   * @param {MediaTrackConstraints} constraints
   * @throws {LiveError}
   */
  useMicrophone(constraints) {
    const change = this.#changes.then(() => this.#take(constraints));
    this.#changes = change.catch(() => {});
    return change;
  }

  /**
   * @param {string} id of a device; empty for the usual one
   * @throws {LiveError} `speaker-unsupported`, `speaker-missing` and others
   */
  async useSpeaker(id) {
    try {
      await /** @type {ChoosingContext} */ (this.#context).setSinkId(id);
    } catch (cause) {
      throw await whyNot('speaker', cause);
    }
  }

  /**
   * Where the chosen loudspeaker is gone, the usual one takes its place.
   * @param {import('./devices.js').Device[]} speakers all there are
   */
  async keepAmong(speakers) {
    const { sinkId } = /** @type {ChoosingContext} */ (this.#context);
    if (sinkId && !speakers.some(({ id }) => id === sinkId)) await this.useSpeaker('');
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

  /** @param {MediaTrackConstraints} constraints */
  async #take(constraints) {
    const microphone = await Microphone.open(this.#context, {
      constraints,
      hear: this.#listeners.hear,
      lost: (lost, error) => this.#replace(lost, error),
      signal: this.#signal,
    });
    this.#microphone?.close();
    this.#microphone = microphone;
    microphone.muted = this.#muted;
  }

  /** @param {Microphone} lost @param {LiveError} error */
  #replace(lost, error) {
    this.#changes = this.#changes
      .then(() => (this.#microphone === lost ? this.#take({}) : undefined))
      .catch(() => {
        if (!this.#signal.aborted) this.#listeners.lost(error);
      });
  }

  /** Waits until the context runs; outside a gesture some browsers never let it. */
  async #running() {
    const limit = AbortSignal.any([this.#signal, AbortSignal.timeout(START_LIMIT_MS)]);
    try {
      await Promise.race([this.#resumed, aborted(limit)]);
    } catch (cause) {
      this.#signal.throwIfAborted();
      const sentence = 'The browser keeps sound off until something on the page is pressed. Press the button to talk again.';
      throw new LiveError('sound-blocked', sentence, { retryable: true, cause });
    }
  }

  /**
   * Closes the context once its worklets have had the time to end: Chromium keeps a worklet that has not, and all that
   * is connected to it, until the page goes.
   */
  #close() {
    const context = this.#context;
    const close = () => {
      if (context.state !== 'closed') void context.close();
    };
    if (context.state !== 'running') {
      close();
      return;
    }
    const silence = new ConstantSourceNode(context, { offset: 0 });
    silence.connect(context.destination);
    silence.onended = close;
    context.onstatechange = close;
    silence.start();
    silence.stop(context.currentTime + LAST_SECONDS);
  }

  /** A telephone call, Siri or a locked screen stop the context; it runs again as soon as the browser lets it. */
  #comeBack() {
    const context = this.#context;
    const resume = () => {
      // What is refused now may be allowed at the next of these events.
      if (context.state !== 'running' && context.state !== 'closed') context.resume().catch(() => {});
    };
    const listening = { signal: this.#signal };
    context.addEventListener('statechange', resume, listening);
    for (const type of ['visibilitychange', 'click', 'keydown']) document.addEventListener(type, resume, listening);
  }
}
