/** Sound in and out, over one AudioContext. */

import { LiveError } from '../errors.js';
import { aborted } from '../waiting.js';
import { Microphone, Speaker } from './audio-devices.js';
import { deviceError } from './browser.js';

const START_LIMIT_MS = 5000;
// A worklet ends only after it has rendered once more.
const LAST_SECONDS = 0.1;

/** @typedef {AudioContext & {sinkId?: string, setSinkId: (id: string) => Promise<void>}} ChoosingContext in browsers that can choose a loudspeaker */

/**
 * @typedef {object} SoundListeners
 * @property {(chunk: Int16Array) => void} captured 20 ms of the microphone, to be used at once
 * @property {(error: LiveError) => void} lost the microphone was disconnected, and there is no other
 * @property {(speaking: boolean) => void} changed whether the answer is being played
 * @property {(microphone: import('./audio-devices.js').InUse) => void} using which microphone is in use
 */

/** Created in a user gesture, opened later, and closed by its signal. */
export class Sound {
  #context = new AudioContext({ latencyHint: 'interactive' });
  #listeners;
  #signal;
  #resumed;
  #muted = false;
  #volume = 1;
  /** Serializes changes of the microphone. @type {Promise<void>} */
  #changes = Promise.resolve();
  /** @type {Microphone | null} */
  #microphone = null;
  /** @type {Speaker | null} */
  #speaker = null;

  /** @param {SoundListeners} listeners @param {AbortSignal} signal */
  constructor(listeners, signal) {
    this.#listeners = listeners;
    this.#signal = signal;
    // In the gesture itself, because phones block it later. open() checks the result.
    this.#resumed = this.#context.resume();
    this.#resumed.catch(() => {});
    signal.addEventListener('abort', () => this.#close(), { once: true });
  }

  /**
   * @param {object} options
   * @param {boolean | MediaTrackConstraints | MediaStream} options.microphone `false` for no microphone
   * @param {string | false} [options.speaker] a device's id; `false` for none
   * @throws {LiveError}
   */
  async open({ microphone, speaker }) {
    const constraints = microphone === true ? {} : microphone;
    // Such a page has no worklets either, but the missing https is what to report.
    if (!globalThis.isSecureContext) throw await deviceError(constraints ? 'microphone' : 'speaker', null);
    await Promise.all([
      speaker !== false && this.#openSpeaker(),
      constraints && this.#take(constraints),
      // A loudspeaker that was chosen earlier may be gone: the default one is used then.
      speaker && this.#setSink(speaker).catch(() => {}),
      this.#running(),
    ]);
    this.#signal.throwIfAborted();
    this.#keepRunning();
  }

  /** Whether there is a microphone. */
  get voiced() {
    return this.#microphone !== null;
  }

  /** Whether the answer is being played. */
  get speaking() {
    return this.#speaker?.speaking ?? false;
  }

  /** The loudness of microphone and answer, each as root mean square from 0 to 1. */
  get levels() {
    return { microphone: this.#microphone?.level ?? 0, speaker: this.#speaker?.level ?? 0 };
  }

  /** The loudness of the microphone alone. */
  get voice() {
    return this.#microphone?.level ?? 0;
  }

  /** Milliseconds from the audio graph to the ear; 0 if the device does not tell. */
  get outputLatency() {
    return (this.#context.outputLatency || 0) * 1000;
  }

  /** @param {'microphone' | 'speaker'} side @returns {AnalyserNode | undefined} */
  analyser(side) {
    return (side === 'speaker' ? this.#speaker : this.#microphone)?.analyser;
  }

  /** The answer; null if nothing can be played. */
  get answerStream() {
    return this.#speaker?.stream ?? null;
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
   * Switches the microphone, or adds one. If it cannot be opened, the current one stays.
   * @param {MediaTrackConstraints | MediaStream} constraints
   * @param {AbortSignal} [wanted] aborts if it is not wanted any more: one that is opened later is closed at once
   * @throws {LiveError}
   */
  useMicrophone(constraints, wanted) {
    const change = this.#changes.then(() => this.#take(constraints, wanted));
    this.#changes = change.catch(() => {});
    return change;
  }

  /**
   * Switches the loudspeaker, or adds one.
   * @param {string} id of a device; empty for the default one
   * @throws {LiveError} `speaker-unsupported`, `speaker-missing` and others
   */
  async useSpeaker(id) {
    await this.#setSink(id);
    if (!this.#speaker) await this.#openSpeaker();
  }

  async #openSpeaker() {
    const { changed } = this.#listeners;
    this.#speaker = await Speaker.open(this.#context, { changed, signal: this.#signal });
    this.volume = this.#volume;
  }

  /** @param {string} id */
  async #setSink(id) {
    try {
      await /** @type {ChoosingContext} */ (this.#context).setSinkId(id);
    } catch (cause) {
      throw await deviceError('speaker', cause);
    }
  }

  /**
   * Falls back to the default loudspeaker if the chosen one is gone.
   * @param {import('./devices.js').Device[]} speakers all that exist
   */
  async keepAmong(speakers) {
    const { sinkId } = /** @type {ChoosingContext} */ (this.#context);
    if (sinkId && !speakers.some(({ id }) => id === sinkId)) await this.#setSink('');
  }

  /** @param {Int16Array<ArrayBuffer>} samples at 24 kHz */
  play(samples) {
    this.#speaker?.play(samples);
  }

  /** Silences the answer within 4 ms. */
  flush() {
    this.#speaker?.flush();
  }

  /** Nothing more will be played in this turn. */
  completeTurn() {
    this.#speaker?.completeTurn();
  }

  /** @param {MediaTrackConstraints | MediaStream} constraints @param {AbortSignal} [wanted] */
  async #take(constraints, wanted) {
    wanted?.throwIfAborted();
    const microphone = await Microphone.open(this.#context, {
      constraints,
      captured: this.#listeners.captured,
      lost: (lost, error) => this.#replace(lost, error),
      using: this.#listeners.using,
      // A conversation does not fail for a device; a change that cannot be made changes nothing.
      any: this.#microphone === null,
      signal: this.#signal,
    });
    if (wanted?.aborted) {
      microphone.close();
      throw wanted.reason;
    }
    this.#microphone?.close();
    this.#microphone = microphone;
    microphone.muted = this.#muted;
    this.#listeners.using(microphone.device);
  }

  /** @param {Microphone} lost @param {LiveError} error */
  #replace(lost, error) {
    this.#changes = this.#changes
      .then(() => {
        if (lost.given) throw error;
        return this.#microphone === lost ? this.#take({}) : undefined;
      })
      .catch(() => {
        if (!this.#signal.aborted) this.#listeners.lost(error);
      });
  }

  /** Waits until the context runs; outside a gesture some browsers never allow it. */
  async #running() {
    const limit = AbortSignal.any([this.#signal, AbortSignal.timeout(START_LIMIT_MS)]);
    try {
      await Promise.race([this.#resumed, aborted(limit)]);
    } catch (cause) {
      this.#signal.throwIfAborted();
      const sentence = 'The browser blocks sound until you click or tap on the page. Press the button again.';
      throw new LiveError('sound-blocked', sentence, { retryable: true, cause });
    }
  }

  /**
   * Closes the context after its worklets have ended: Chromium keeps a worklet that has not, and everything connected to
   * it, until the page is closed.
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

  /** Resumes the context after a phone call, Siri or a locked screen, as soon as the browser allows it. */
  #keepRunning() {
    const context = this.#context;
    const resume = () => {
      // If it is refused now, the next of these events tries again.
      if (context.state !== 'running' && context.state !== 'closed') context.resume().catch(() => {});
    };
    const listening = { signal: this.#signal };
    context.addEventListener('statechange', resume, listening);
    for (const type of ['visibilitychange', 'click', 'keydown']) document.addEventListener(type, resume, listening);
  }
}
