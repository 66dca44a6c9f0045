/** A conversation with the Live API: sound, pictures, text and tools over one socket, behind one state. */

import { aborted } from './abort.js';
import { steadyClock } from './clock.js';
import { Conversation } from './conversation.js';
import { LiveError, asLiveError, hungUp, loaded } from './errors.js';
import { TokenSource } from './token-source.js';
import { Tools } from './tools.js';
import { TypedEvents } from './typed-events.js';
import { warmWorklets } from './worklets.js';

export { LiveError };

/** @typedef {'idle' | 'connecting' | 'live' | 'resuming' | 'closed'} State */

/**
 * The detail of each event, by its type.
 * @typedef {object} SessionEvents
 * @property {{state: State, previous: State, error: LiveError | null}} state
 * @property {import('./transcript.js').Utterance} transcript an utterance, new or grown
 * @property {{speaking: boolean}} speaking whether the answer is being heard
 * @property {import('./line.js').Resumption} resumed the conversation goes on over another connection
 * @property {null} interrupted the answer was cut short, and is silent
 * @property {import('./tools.js').ToolProgress} tool
 * @property {{missing: string[], surplus: string[]}} tools declared and not handled, handled and not declared
 * @property {import('./video.js').Shown | null} video what is shown now
 * @property {{turn: number, queries: string[], sources: import('./protocol.js').Source[]}} sources what a turn's answer
 *   is grounded on, whole so far; addresses are http or https
 * @property {import('./usage.js').UsageReport} usage
 * @property {Timing} timing
 * @property {import('./devices.js').Devices} devices they have changed
 *
 * `mint`: the token; `open`: the socket; `setup`: its acceptance; `live`: all from `start()` on; `first-sound`: from the
 * person's last sound or word to the answer's first chunk; `output-latency`: what the device adds to that; `resume`:
 * without a connection.
 * @typedef {object} Timing
 * @property {'mint' | 'open' | 'setup' | 'live' | 'first-sound' | 'output-latency' | 'resume'} name
 * @property {number} milliseconds
 */

/**
 * @typedef {object} StartOptions
 * @property {string} [profile]
 * @property {Record<string, string>} [options] of the profile
 * @property {boolean | MediaTrackConstraints} [microphone] `false` to type only
 * @property {string | false} [speaker] a device's id; `false` to read only
 */

/**
 * States: `idle`, `connecting`, `live`, `resuming`, `closed`. A closed session can be started again. Everything that a
 * start opens is released by one signal, so that nothing is left behind whenever and however the end comes.
 *
 * @extends {TypedEvents<SessionEvents>}
 */
export class LiveSession extends TypedEvents {
  #tokens;
  #transport;
  #tools = new Tools(
    (responses) => this.#conversation?.answer(responses),
    (progress) => this.announce('tool', progress),
  );
  /** @type {State} */
  #state = 'idle';
  /** @type {Promise<void>} */
  #started = Promise.resolve();
  #ending = new AbortController();
  /** @type {Conversation | null} */
  #conversation = null;
  #muted = false;
  #volume = 1;

  /**
   * @param {object} options
   * @param {string | URL | import('./token-source.js').GetGrant} options.token where `POST /token` is, or a function
   *   that answers what it answers
   * @param {import('./token-source.js').GetCredential} [options.getCredential] a JWT of the site
   * @param {import('./connection.js').Transport} [options.transport] opens a socket; for tests
   */
  constructor({ token, getCredential, transport }) {
    super();
    const timed = (/** @type {'mint'} */ name, /** @type {number} */ milliseconds) => this.announce('timing', { name, milliseconds });
    this.#tokens = new TokenSource(token, { getCredential, timed });
    this.#transport = transport;
  }

  get state() {
    return this.#state;
  }

  /** What the token allows and declares; null before there is one. */
  get features() {
    return this.#conversation?.line.features ?? null;
  }

  /** When the conversation has to be over, in milliseconds as `performance.now()` counts; Infinity where that is unknown. */
  get endsAt() {
    return this.#conversation?.line.endsAt ?? Infinity;
  }

  /** How loud the microphone and the answer are, each as root mean square from 0 to 1. */
  get levels() {
    return this.#conversation?.sound?.levels ?? { microphone: 0, speaker: 0 };
  }

  /** Whether a microphone takes part. */
  get voiced() {
    return this.#conversation?.sound?.voiced ?? false;
  }

  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    if (muted === this.#muted) return;
    this.#muted = muted;
    this.#conversation?.mute(muted);
  }

  /** How loud the answer is played, from 0 to 1; it stays so from one conversation to the next. */
  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = Math.min(1, Math.max(0, volume));
    if (this.#conversation?.sound) this.#conversation.sound.volume = this.#volume;
  }

  /**
   * How loud each pitch is just now, as `AnalyserNode.getByteFrequencyData` has it: from 0 Hz up in steps of 43 to 47 Hz
   * (by the device's rate), up to 512 of them.
   * @param {'microphone' | 'speaker'} side
   * @param {Uint8Array<ArrayBuffer>} into filled whole, 0 to 255; zeros where there is no sound
   */
  spectrum(side, into) {
    into.fill(0);
    this.#conversation?.sound?.analyser(side)?.getByteFrequencyData(into);
  }

  /**
   * Gets everything ready that costs nothing, when somebody is about to start: modules, connection, credential. It asks
   * for no token and no device, and never rejects.
   * @returns {Promise<void>}
   */
  async warm() {
    await Promise.all([this.#tokens.warm(), warmWorklets()]);
  }

  /**
   * Labels are empty until the person has allowed such a device. The event `devices` tells of changes in a conversation.
   * @returns {Promise<import('./devices.js').Devices>}
   * @throws {LiveError} `page-incomplete`
   */
  async devices() {
    const { listDevices } = await loaded(import('./devices.js'));
    return listDevices();
  }

  /**
   * Answers the calls of a tool that the token declares; may be called at any time.
   * @param {string} name
   * @param {import('./tools.js').Tool} tool
   * @param {import('./tools.js').ToolOptions} [options]
   */
  handleTool(name, tool, options) {
    this.#tools.handle(name, tool, options);
  }

  /**
   * Begins a conversation; call it in the person's gesture, or browsers keep sound off. While one is going on, this is
   * the promise of that one.
   * @param {StartOptions} [options]
   * @returns {Promise<void>} at `live`
   * @throws {LiveError} when it does not come to that
   */
  start(options = {}) {
    if (this.#state === 'idle' || this.#state === 'closed') this.#started = this.#start(options);
    return this.#started;
  }

  /** Ends the conversation; the microphone, the sockets and all else are released when this returns. */
  close() {
    this.#close(null);
  }

  /**
   * While the conversation is being resumed the text waits, in its place among what is spoken.
   * @param {string} text
   * @throws {LiveError} `not-live`
   */
  sendText(text) {
    this.#live().sendText(text);
  }

  /**
   * Speaks through another microphone from now on, or through a first one. Where it cannot be had, nothing changes.
   * @param {string | MediaTrackConstraints} device its id, or constraints
   * @throws {LiveError}
   */
  async useMicrophone(device) {
    const constraints = typeof device === 'string' ? { deviceId: { exact: device } } : device;
    await this.#live().useMicrophone(constraints);
  }

  /**
   * Plays through another loudspeaker from now on.
   * @param {string} id empty for the usual one
   * @throws {LiveError} `speaker-unsupported` where the browser cannot
   */
  async useSpeaker(id) {
    await this.#live().useSpeaker(id);
  }

  /**
   * Shows the camera, instead of what was shown before.
   * @param {MediaTrackConstraints} [constraints]
   * @throws {LiveError}
   */
  async showCamera(constraints) {
    await this.#live().show('camera', constraints);
  }

  /**
   * Shows a screen, a window or a tab, as the person chooses; call it in the person's gesture.
   * @param {MediaTrackConstraints} [constraints]
   * @throws {LiveError}
   */
  async showScreen(constraints) {
    await this.#live().show('screen', constraints);
  }

  /**
   * Turns from the front camera to the back one and back, or to the next camera; nothing where none is shown.
   * @throws {LiveError}
   */
  async switchCamera() {
    await this.#live().switchCamera();
  }

  stopVideo() {
    this.#conversation?.stopVideo();
  }

  /** @param {StartOptions} options */
  async #start(options) {
    const asked = steadyClock.now();
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    this.#become('connecting', null);
    globalThis.addEventListener?.('pagehide', () => this.close(), { signal });
    try {
      signal.throwIfAborted();
      // Made before anything is awaited: only a gesture's own turn may make sound.
      const conversation = new Conversation(
        options,
        {
          tokens: this.#tokens,
          transport: this.#transport,
          tools: this.#tools,
          announce: (type, detail) => this.announce(type, detail),
          become: (state) => this.#become(state, null),
          ended: (error) => signal.aborted || this.#close(error),
        },
        signal,
      );
      conversation.mute(this.#muted);
      if (conversation.sound) conversation.sound.volume = this.#volume;
      this.#conversation = conversation;
      await Promise.race([conversation.begin(), aborted(signal)]);
      this.announce('timing', { name: 'live', milliseconds: steadyClock.now() - asked });
    } catch (cause) {
      const error = asLiveError(cause);
      if (!signal.aborted) this.#close(error);
      throw error;
    }
  }

  /** @returns {Conversation} */
  #live() {
    if (this.#conversation && (this.#state === 'live' || this.#state === 'resuming')) return this.#conversation;
    throw new LiveError('not-live', 'There is no conversation at the moment. Start one first.', { retryable: true });
  }

  /** @param {LiveError | null} error */
  #close(error) {
    if (this.#state === 'idle' || this.#ending.signal.aborted) return;
    this.#ending.abort(error ?? hungUp());
    this.#conversation?.end();
    this.#conversation = null;
    this.#become('closed', error);
  }

  /** @param {State} state @param {LiveError | null} error */
  #become(state, error) {
    const previous = this.#state;
    this.#state = state;
    this.announce('state', { state, previous, error });
  }
}
