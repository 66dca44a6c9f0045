/** The public API: a conversation with the Live API, with sound, video, text and tools, behind one state. */

import { aborted } from './abort.js';
import { steadyClock } from './clock.js';
import { TokenSource } from './connection/token-source.js';
import { Conversation } from './conversation.js';
import { LiveError, asLiveError, hungUp, importOrFail } from './errors.js';
import { warmWorklets } from './media/worklets.js';
import { Tools } from './tools.js';
import { TypedEvents } from './typed-events.js';

export { LiveError };

/** @typedef {'idle' | 'connecting' | 'live' | 'resuming' | 'closed'} State */

/**
 * The detail of each event, by its type.
 * @typedef {object} SessionEvents
 * @property {{state: State, previous: State, error: LiveError | null}} state
 * @property {import('./transcript.js').Utterance} transcript a new utterance, or an update of one
 * @property {{speaking: boolean}} speaking whether the answer is being played
 * @property {import('./connection/line.js').Resumption} resumed the conversation continues over another connection
 * @property {import('./connection/line.js').Rebuilding} rebuilt instead of `resumed`: the session was lost, and a fresh
 *   one was told what was said before
 * @property {null} interrupted the answer was cut short and is silent
 * @property {import('./tools.js').ToolProgress} tool
 * @property {{missing: string[], surplus: string[]}} tools declared but not handled, handled but not declared
 * @property {import('./media/video.js').Shown | null} video what is shown now
 * @property {{turn: number, queries: string[], sources: import('./connection/protocol.js').Source[]}} sources all
 *   sources of a turn's answer so far; addresses are http or https
 * @property {import('./usage.js').UsageReport} usage
 * @property {Timing} timing
 * @property {import('./media/devices.js').Devices} devices they have changed
 *
 * `mint`: getting a token; `open`: opening the socket; `setup`: until the setup was accepted; `live`: from `start()` to
 * `live`; `first-sound`: from the person's last sound or word to the answer's first chunk; `output-latency`: what the
 * device adds to that; `resume`: without a connection.
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
 * A closed session can be started again. One signal releases everything that a start opens, so that nothing is left
 * behind whenever and however the conversation ends.
 *
 * @extends {TypedEvents<SessionEvents>}
 */
export class LiveSession extends TypedEvents {
  #tokens;
  #transport;
  #tools = new Tools(
    (responses) => this.#conversation?.answer(responses),
    (progress) => this.emit('tool', progress),
    (results) => this.#conversation?.inform(results),
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
   * @param {string | URL | import('./connection/token-source.js').GetGrant} options.token the address of `POST /token`, or
   *   a function that returns what it answers
   * @param {import('./connection/token-source.js').GetCredential} [options.getCredential] a JWT of the site
   * @param {import('./connection/connection.js').Transport} [options.transport] opens a socket; for tests
   */
  constructor({ token, getCredential, transport }) {
    super();
    const timed = (/** @type {'mint'} */ name, /** @type {number} */ milliseconds) => this.emit('timing', { name, milliseconds });
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

  /** When the conversation has to end, on the clock of `performance.now()`; Infinity if that is unknown. */
  get endsAt() {
    return this.#conversation?.line.endsAt ?? Infinity;
  }

  /** The loudness of microphone and answer, each as root mean square from 0 to 1. */
  get levels() {
    return this.#conversation?.sound?.levels ?? { microphone: 0, speaker: 0 };
  }

  /** Whether the conversation has a microphone. */
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

  /** The volume of the answer, from 0 to 1; kept from one conversation to the next. */
  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = Math.min(1, Math.max(0, volume));
    if (this.#conversation?.sound) this.#conversation.sound.volume = this.#volume;
  }

  /**
   * Reads the current spectrum, as `AnalyserNode.getByteFrequencyData` does: up to 512 steps of 43 to 47 Hz (depending on
   * the device's rate), from 0 Hz up.
   * @param {'microphone' | 'speaker'} side
   * @param {Uint8Array<ArrayBuffer>} into filled with 0 to 255; with zeros if there is no sound
   */
  spectrum(side, into) {
    into.fill(0);
    this.#conversation?.sound?.analyser(side)?.getByteFrequencyData(into);
  }

  /**
   * Prepares what costs nothing, when somebody is about to start: modules, connection, credential. Gets no token, opens
   * no device, and never rejects.
   * @returns {Promise<void>}
   */
  async warm() {
    await Promise.all([this.#tokens.warm(), warmWorklets()]);
  }

  /**
   * Lists the devices. Labels are empty until the person has allowed such a device. The event `devices` reports changes
   * during a conversation.
   * @returns {Promise<import('./media/devices.js').Devices>}
   * @throws {LiveError} `page-incomplete`
   */
  async devices() {
    const { listDevices } = await importOrFail(import('./media/devices.js'));
    return listDevices();
  }

  /**
   * Sets the handler of a tool that the token declares; may be called at any time.
   * @param {string} name
   * @param {import('./tools.js').Tool} tool
   * @param {import('./tools.js').ToolOptions} [options]
   */
  handleTool(name, tool, options) {
    this.#tools.handle(name, tool, options);
  }

  /**
   * Starts a conversation. Call it in a user gesture: otherwise browsers block sound. While there is a conversation,
   * returns the promise of that one.
   * @param {StartOptions} [options]
   * @returns {Promise<void>} at `live`
   * @throws {LiveError} if the conversation does not become live
   */
  start(options = {}) {
    if (this.#state === 'idle' || this.#state === 'closed') this.#started = this.#start(options);
    return this.#started;
  }

  /** Ends the conversation. The microphone, the socket and everything else are released when this returns. */
  close() {
    this.#close(null);
  }

  /**
   * Sends typed text. While the conversation is being resumed the text is held, in order with what is spoken.
   * @param {string} text
   * @throws {LiveError} `not-live`
   */
  sendText(text) {
    this.#live().sendText(text);
  }

  /**
   * Switches to another microphone, or adds one. If it cannot be opened, nothing changes.
   * @param {string | MediaTrackConstraints} device its id, or constraints
   * @throws {LiveError}
   */
  async useMicrophone(device) {
    const constraints = typeof device === 'string' ? { deviceId: { exact: device } } : device;
    await this.#live().useMicrophone(constraints);
  }

  /**
   * Switches to another loudspeaker.
   * @param {string} id empty for the default one
   * @throws {LiveError} `speaker-unsupported` if the browser cannot
   */
  async useSpeaker(id) {
    await this.#live().useSpeaker(id);
  }

  /**
   * Shows the camera, in place of what was shown before.
   * @param {MediaTrackConstraints} [constraints]
   * @throws {LiveError}
   */
  async showCamera(constraints) {
    await this.#live().show('camera', constraints);
  }

  /**
   * Shows a screen, a window or a tab that the person chooses. Call it in a user gesture.
   * @param {MediaTrackConstraints} [constraints]
   * @throws {LiveError}
   */
  async showScreen(constraints) {
    await this.#live().show('screen', constraints);
  }

  /**
   * Switches between front and back camera, or to the next camera. Does nothing if no camera is shown.
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
    const startedAt = steadyClock.now();
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    this.#become('connecting', null);
    globalThis.addEventListener?.('pagehide', () => this.close(), { signal });
    try {
      signal.throwIfAborted();
      // Before any await: browsers allow sound only in the gesture's own task.
      const conversation = new Conversation(
        options,
        {
          tokens: this.#tokens,
          transport: this.#transport,
          tools: this.#tools,
          emit: (type, detail) => this.emit(type, detail),
          become: (state) => this.#become(state, null),
          ended: (error) => signal.aborted || this.#close(error),
        },
        signal,
      );
      conversation.mute(this.#muted);
      if (conversation.sound) conversation.sound.volume = this.#volume;
      this.#conversation = conversation;
      await Promise.race([conversation.begin(), aborted(signal)]);
      this.emit('timing', { name: 'live', milliseconds: steadyClock.now() - startedAt });
    } catch (cause) {
      const error = asLiveError(cause);
      if (!signal.aborted) this.#close(error);
      throw error;
    }
  }

  /** @returns {Conversation} */
  #live() {
    if (this.#conversation && (this.#state === 'live' || this.#state === 'resuming')) return this.#conversation;
    throw new LiveError('not-live', 'There is no conversation right now. Start one first.', { retryable: true });
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
    this.emit('state', { state, previous, error });
  }
}
