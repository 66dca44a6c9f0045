/** The public API: a conversation with the Live API, with sound, video, text and tools, behind one state. */

import { TokenSource } from './connection/token-source.js';
import { Conversation } from './conversation.js';
import { LiveError, asLiveError, hungUp, importOrFail } from './errors.js';
import { warmWorklet } from './media/browser.js';
import { Toolbox } from './toolbox.js';
import { aborted, steadyClock, unlessAborted } from './waiting.js';
import { Snapshots, TypedEvents } from './watching.js';

export { LiveError };

/** @typedef {'idle' | 'connecting' | 'live' | 'resuming' | 'closed'} State */

/**
 * The other types of the public API.
 * @typedef {import('./errors.js').LiveErrorCode} LiveErrorCode
 * @typedef {import('./connection/token-source.js').Features} Features
 * @typedef {import('./connection/token-source.js').GetCredential} GetCredential
 * @typedef {import('./connection/token-source.js').GetGrant} GetGrant
 * @typedef {import('./connection/token-source.js').Grant} Grant
 * @typedef {import('./connection/token-source.js').Schema} Schema
 * @typedef {import('./media/devices.js').Devices} Devices
 * @typedef {import('./media/audio-devices.js').InUse} InUse
 * @typedef {import('./watching.js').Snapshot} Snapshot
 * @typedef {import('./tools.js').ToolCall} ToolCall
 * @typedef {import('./tools.js').ToolOptions} ToolOptions
 * @typedef {import('./transcript.js').Utterance} Utterance
 * @typedef {import('./connection/token-source.js').Continuation} Continuation
 * @typedef {import('./connection/protocol.js').Tokens} Tokens
 */
/**
 * @template [Args=any]
 * @typedef {import('./tools.js').Tool<Args>} Tool
 */
/**
 * @template S
 * @typedef {import('./schema.js').Described<S>} Described
 */

/**
 * The detail of each event, by its type.
 * @typedef {object} SessionEvents
 * @property {{state: State, previous: State, error: LiveError | null}} state
 * @property {import('./transcript.js').Utterance} transcript a new utterance, or an update of one
 * @property {{listening: boolean}} listening whether what the person says is taken
 * @property {{speaking: boolean}} speaking whether the answer is being played
 * @property {import('./connection/resumable-connection.js').Resumption} resumed the conversation continues over another
 *   connection
 * @property {import('./connection/resumable-connection.js').Rebuilding} rebuilt instead of `resumed`: the session was lost,
 *   and a fresh one was told what was said before
 * @property {null} interrupted the answer was cut short and is silent
 * @property {{turn: number, reason: string}} stopped the Live API stopped the answer, most often for safety; `reason` is
 *   a `TurnCompleteReason`
 * @property {{working: boolean}} working whether the model works on although its turn is complete; only thinking models do
 * @property {{active: boolean}} voice whether the server hears a voice
 * @property {import('./media/audio-devices.js').InUse} microphone the one in use: opened, or muted or unmuted by its switch
 *   or by the system
 * @property {{name: string, count: number}} unknown a kind of message that this client does not read
 * @property {import('./tools.js').ToolProgress} tool
 * @property {import('./server-tools.js').Question | null} question what the person has to confirm before a tool of the
 *   server takes effect; null when it is decided
 * @property {{missing: string[], surplus: string[]}} tools declared but not handled, handled but not declared
 * @property {import('./media/video.js').Shown | null} video what is shown now
 * @property {{turn: number, queries: string[], sources: import('./connection/protocol.js').Source[], suggestions?: string[]}} sources
 *   all of a turn's answer so far; addresses are http or https; `suggestions` is HTML that has to be shown as it is
 * @property {import('./incoming.js').UsageReport} usage
 * @property {Timing} timing
 * @property {import('./media/devices.js').Devices} devices they have changed
 * @property {null} change something in the snapshot has changed
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
 * @property {Left | null} [continues] what `leave()` returned on another page, instead of a profile and its options
 * @property {boolean | MediaTrackConstraints | MediaStream} [microphone] `false` to type only; a stream stays the page's
 * @property {string | false} [speaker] a device's id; `false` to read only
 * @property {AbortSignal} [signal] ends the conversation, also before it is live
 */

/**
 * What another page continues a conversation with, as JSON. Whoever has it can take the conversation.
 * @typedef {object} Left
 * @property {Continuation} request
 * @property {readonly Utterance[]} transcript
 *
 * @typedef {object} DeviceOptions
 * @property {AbortSignal} [signal] gives up, and rejects with its reason: what is opened later is closed at once
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
  #tools = new Toolbox(
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
  #snapshots = new Snapshots(() => {
    const { state, muted, volume, voiced, listening, features } = this;
    return { state, muted, volume, voiced, listening, features };
  });

  /**
   * @param {object} options
   * @param {string | URL | import('./connection/token-source.js').GetGrant} options.token the address of `POST /token`, or
   *   a function that returns what it answers
   * @param {import('./connection/token-source.js').GetCredential} [options.getCredential] a JWT of the site
   * @param {HeadersInit} [options.headers] added to each request to that address
   * @param {RequestCredentials} [options.credentials] whether cookies go there; `same-origin` by default
   * @param {import('./connection/connection.js').Transport} [options.transport] opens a socket; for tests
   */
  constructor({ token, getCredential, headers, credentials, transport }) {
    super();
    const timed = (/** @type {'mint'} */ name, /** @type {number} */ milliseconds) => this.emit('timing', { name, milliseconds });
    this.#tokens = new TokenSource(token, { getCredential, headers, credentials, timed });
    this.#transport = transport;
  }

  get state() {
    return this.#state;
  }

  /** What the token allows and declares; null before there is one. */
  get features() {
    return this.#conversation?.connection.features ?? null;
  }

  /** When the conversation has to end, on the clock of `performance.now()`; Infinity if that is unknown. */
  get endsAt() {
    return this.#conversation?.connection.endsAt ?? Infinity;
  }

  /** The loudness of microphone and answer, each as root mean square from 0 to 1. */
  get levels() {
    return this.#conversation?.sound?.levels ?? { microphone: 0, speaker: 0 };
  }

  /** The answer's sound, whatever the volume, to record or to analyse; null before it can be played. */
  get answerStream() {
    return this.#conversation?.sound?.answerStream ?? null;
  }

  /** Whether the conversation has a microphone. */
  get voiced() {
    return this.#conversation?.sound?.voiced ?? false;
  }

  /**
   * Whether what the person says is taken: from the microphone's first sound on, also while connecting, and not while
   * muted.
   */
  get listening() {
    return this.#conversation?.listening ?? false;
  }

  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    if (muted === this.#muted) return;
    this.#muted = muted;
    this.#conversation?.mute(muted);
    this.emit('change', null);
  }

  /** The volume of the answer, from 0 to 1; kept from one conversation to the next. */
  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    if (Number.isNaN(Number(volume))) return;
    this.#volume = Math.min(1, Math.max(0, volume));
    if (this.#conversation?.sound) this.#conversation.sound.volume = this.#volume;
    this.emit('change', null);
  }

  /** What was said in this conversation, or in the last one; the same array until there is more. */
  get transcript() {
    return this.#snapshots.latest.transcript;
  }

  /**
   * Calls *changed* when the snapshot has changed. Like `getSnapshot`, it may be passed on without its session, as to
   * React's `useSyncExternalStore`.
   * @param {() => void} changed
   * @returns {() => void} stops that
   */
  subscribe = (changed) => this.on('change', () => changed());

  /** @returns {import('./watching.js').Snapshot} the same object until it has changed */
  getSnapshot = () => this.#snapshots.latest;

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
    await Promise.all([this.#tokens.warm(), warmWorklet()]);
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
   * Sets the handler of a tool that the token declares; may be called at any time. A `schema` gives the arguments their
   * type, and they are checked against it.
   * @template {import('./connection/token-source.js').Schema} [const S={}]
   * @param {string} name
   * @param {import('./tools.js').Tool<{} extends S ? any : import('./schema.js').Described<S>>} tool
   * @param {import('./tools.js').ToolOptions & {schema?: S}} [options]
   * @returns {() => void} removes the handler
   */
  handleTool(name, tool, options) {
    return this.#tools.handle(name, tool, options);
  }

  /**
   * Starts a conversation. Call it in a user gesture: otherwise browsers block sound. While there is a conversation,
   * returns the promise of that one.
   * @param {StartOptions} [options]
   * @returns {Promise<void>} at `live`
   * @throws {LiveError} if the conversation does not become live
   */
  start(options = {}) {
    const { signal, ...how } = options ?? {};
    if (this.#state === 'idle' || this.#state === 'closed') {
      if (signal?.aborted) return Promise.reject(hungUp());
      this.#started = this.#start(how);
      // A page may leave the error to the state event.
      this.#started.catch(() => {});
      signal?.addEventListener('abort', () => this.close(), { signal: this.#ending.signal });
    }
    return this.#started;
  }

  /** Ends the conversation. The microphone, the socket and everything else are released when this returns. */
  close() {
    this.#close(null);
  }

  /**
   * Tells the service what the person thinks of the conversation that is over.
   * @param {'good' | 'bad'} rating
   */
  rate(rating) {
    this.#tokens.rate(rating);
  }

  /**
   * Closes this session, and leaves the conversation to another page, which starts with what this returns.
   * @returns {Left | null} null if there is no conversation that could be continued
   */
  leave() {
    const request = this.#conversation?.connection.leave();
    this.close();
    return request ? { request, transcript: this.transcript } : null;
  }

  /**
   * Sends typed text. While the conversation is connecting or resuming the text is held, in order with what is spoken.
   * @param {string} text
   * @throws {LiveError} `not-live`
   */
  sendText(text) {
    this.#begun().sendText(String(text));
  }

  /**
   * Tells the model something that it does not answer, such as what the page shows. It learns it before the person's next
   * turn, or with it; while connecting, with the profile's greeting, if there is one.
   * @param {string} text
   * @throws {LiveError} `not-live`
   */
  sendContext(text) {
    this.#begun().sendContext(String(text));
  }

  /**
   * Shows the model a picture, which it does not answer by itself.
   * @param {Blob} blob that the browser can show; sent with at most 768 pixels on the long side
   * @returns {Promise<void>} when it is sent, or waits for its turn
   * @throws {LiveError} `not-live`, `image-unreadable`, `page-incomplete`
   */
  async sendImage(blob) {
    await this.#live().sendImage(blob);
  }

  /** Stops the answer, as if the person had interrupted it. Does nothing if there is none. */
  interrupt() {
    this.#conversation?.interrupt();
  }

  /**
   * Switches to another microphone, or adds one. If it cannot be opened, nothing changes.
   * @param {string | MediaTrackConstraints | MediaStream} device its id, or constraints; a stream stays the page's
   * @param {DeviceOptions} [options]
   * @throws {LiveError}
   */
  async useMicrophone(device, { signal } = {}) {
    const constraints = typeof device === 'string' ? { deviceId: { exact: device } } : device;
    await unlessAborted(this.#live().useMicrophone(constraints, signal), signal);
    this.emit('change', null);
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
   * @param {DeviceOptions} [options] whose signal also stops it later
   * @throws {LiveError}
   */
  async showCamera(constraints, { signal } = {}) {
    await unlessAborted(this.#live().show('camera', constraints, signal), signal);
  }

  /**
   * Shows a screen, a window or a tab that the person chooses. Call it in a user gesture.
   * @param {MediaTrackConstraints} [constraints]
   * @param {DeviceOptions} [options] whose signal also stops it later
   * @throws {LiveError}
   */
  async showScreen(constraints, { signal } = {}) {
    await unlessAborted(this.#live().show('screen', constraints, signal), signal);
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

  /**
   * @template {keyof SessionEvents & string} Type
   * @protected
   * @override
   * @param {Type} type
   * @param {SessionEvents[Type]} detail
   */
  emit(type, detail) {
    const changed = this.#snapshots.note(type, detail);
    super.emit(type, detail);
    if (changed) super.emit('change', null);
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
          become: (state) => signal.aborted || this.#become(state, null),
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
      // A conversation that is over has not failed, and a page may continue one again in a user gesture.
      const expected = options.continues && (error.code === 'sound-blocked' || (error.status && !error.retryable));
      if (!signal.aborted) this.#close(error, expected ? null : error);
      throw error;
    }
  }

  /** The conversation, also while it is connecting. @returns {Conversation} */
  #begun() {
    return this.#state === 'connecting' && this.#conversation ? this.#conversation : this.#live();
  }

  /** @returns {Conversation} */
  #live() {
    if (this.#conversation && (this.#state === 'live' || this.#state === 'resuming')) return this.#conversation;
    throw new LiveError('not-live', 'There is no conversation right now. Start one first.', { retryable: true });
  }

  /** @param {LiveError | null} error @param {LiveError | null} [told] */
  #close(error, told = error) {
    if (this.#state === 'idle' || this.#ending.signal.aborted) return;
    this.#ending.abort(error ?? hungUp());
    this.#conversation?.end();
    this.#conversation = null;
    this.#become('closed', told);
  }

  /** @param {State} state @param {LiveError | null} error */
  #become(state, error) {
    const previous = this.#state;
    this.#state = state;
    this.emit('state', { state, previous, error });
  }
}
