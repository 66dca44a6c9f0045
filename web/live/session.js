/** A conversation with the Live API: sound, pictures, text and tools over one socket, behind one state. */

import { aborted } from './abort.js';
import { Camera } from './camera.js';
import { LiveError, asLiveError, hungUp } from './errors.js';
import { Line } from './line.js';
import { microphoneGranted } from './microphone.js';
import { activityFrame, pictureFrame, soundEndFrame, soundFrame, textFrame, toolFrame } from './protocol.js';
import { Sound } from './sound.js';
import { TokenSource } from './token-source.js';
import { Tools } from './tools.js';
import { Transcript } from './transcript.js';
import { TypedEvents } from './typed-events.js';

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
 * @property {{kind: 'camera' | 'screen', stream: MediaStream} | null} video what is shown now
 */

/**
 * @typedef {object} StartOptions
 * @property {string} [profile]
 * @property {Record<string, string>} [options] of the profile
 * @property {boolean | MediaTrackConstraints} [microphone] `false` to type only
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
    (responses) => this.#line?.sayNow(toolFrame(responses)),
    (progress) => this.announce('tool', progress),
  );
  /** @type {State} */
  #state = 'idle';
  /** @type {Promise<void>} */
  #started = Promise.resolve();
  #ending = new AbortController();
  #transcript = new Transcript();
  #muted = false;
  /** The rest of an interrupted turn is still arriving; nobody wants to hear it. */
  #cut = false;
  /** @type {Line | null} */
  #line = null;
  /** @type {Sound | null} */
  #sound = null;
  /** @type {Camera | null} */
  #camera = null;

  /**
   * @param {object} options
   * @param {string | URL | import('./token-source.js').GetGrant} options.token where `POST /token` is, or a function
   *   that answers what it answers
   * @param {import('./token-source.js').GetCredential} [options.getCredential] a JWT of the site
   * @param {import('./connection.js').Transport} [options.transport] opens a socket; for tests
   */
  constructor({ token, getCredential, transport }) {
    super();
    this.#tokens = new TokenSource(token, { getCredential });
    this.#transport = transport;
  }

  get state() {
    return this.#state;
  }

  /** What the token allows and declares; null before there is one. */
  get features() {
    return this.#line?.features ?? null;
  }

  /** When the conversation has to be over, in milliseconds as `performance.now()` counts; Infinity where that is unknown. */
  get endsAt() {
    return this.#line?.endsAt ?? Infinity;
  }

  /** How loud the microphone and the answer are, each as root mean square from 0 to 1. */
  get levels() {
    return this.#sound?.levels ?? { microphone: 0, speaker: 0 };
  }

  /** Whether a microphone takes part. */
  get voiced() {
    return this.#sound?.voiced ?? false;
  }

  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    if (muted === this.#muted) return;
    this.#muted = muted;
    this.#sound?.mute(muted);
    if (!this.#underWay || !this.voiced) return;
    if (this.features?.activity === 'manual') this.#line?.say(activityFrame(!muted));
    else if (muted) this.#line?.say(soundEndFrame());
  }

  /**
   * Answers the calls of a tool that the token declares; may be called at any time.
   * @param {string} name
   * @param {import('./tools.js').Tool} tool
   */
  handleTool(name, tool) {
    this.#tools.handle(name, tool);
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
    this.#live().say(textFrame(text));
    this.announce('transcript', this.#transcript.type(text));
  }

  /**
   * Shows the camera, instead of what was shown before.
   * @param {MediaTrackConstraints} [constraints]
   * @throws {LiveError}
   */
  showCamera(constraints) {
    return this.#show('camera', constraints);
  }

  /**
   * Shows a screen, a window or a tab, as the person chooses; call it in the person's gesture.
   * @param {MediaTrackConstraints} [constraints]
   * @throws {LiveError}
   */
  showScreen(constraints) {
    return this.#show('screen', constraints);
  }

  stopVideo() {
    if (this.#camera === null) return;
    this.#camera.close();
    this.#camera = null;
    this.announce('video', null);
  }

  /** @param {StartOptions} options */
  async #start(options) {
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    this.#transcript = new Transcript();
    this.#cut = false;
    this.#become('connecting', null);
    globalThis.addEventListener('pagehide', () => this.close(), { signal });
    try {
      signal.throwIfAborted();
      // Made before anything is awaited: only a gesture's own turn may make sound.
      const sound = new Sound(signal);
      await Promise.race([this.#connect(sound, options, signal), aborted(signal)]);
    } catch (cause) {
      const error = asLiveError(cause);
      if (!signal.aborted) this.#close(error);
      throw error;
    }
  }

  /** @param {Sound} sound @param {StartOptions} options @param {AbortSignal} signal */
  async #connect(sound, { profile, options, microphone = true }, signal) {
    // A token is not spent on somebody who may yet refuse the microphone; nor is time lost on one who did not.
    const atOnce = microphone === false || (await microphoneGranted());
    const opened = sound.open({
      microphone,
      hear: (chunk) => this.#send(chunk),
      lost: (error) => this.#close(error),
      changed: (speaking) => this.announce('speaking', { speaking }),
    });
    if (!atOnce) await opened;
    const line = new Line(
      this.#tokens,
      {
        hear: (happening) => this.#hear(happening),
        preface: () => (this.#speakingManually ? [activityFrame(true)] : []),
        resuming: () => this.#pause(),
        resumed: (resumption) => this.#goOn(resumption),
        ended: (error) => this.#close(error),
      },
      { signal, transport: this.#transport },
    );
    this.#line = line;
    await Promise.all([line.obtain({ profile, options }), opened]);
    signal.throwIfAborted();
    sound.mute(this.#muted);
    this.#sound = sound;
    await line.open();
    this.#goLive(line);
  }

  /** @param {Line} line */
  #goLive(line) {
    const { tools = [], greeting } = this.features ?? {};
    this.announce('tools', this.#tools.expect(tools));
    if (this.#speakingManually) line.say(activityFrame(true));
    this.#become('live', null);
    // Models do not speak first.
    if (greeting) line.say(textFrame(greeting));
  }

  /** The connection is gone: what it was saying will not go on, and its calls wait for no answer. */
  #pause() {
    this.#cut = false;
    this.#sound?.completeTurn();
    this.#announceAll(this.#transcript.completeTurn());
    this.#tools.cancelAll();
    this.#become('resuming', null);
  }

  /** @param {import('./line.js').Resumption} resumption */
  #goOn(resumption) {
    this.#become('live', null);
    this.announce('resumed', resumption);
  }

  /** Whether the token leaves it to us to say who speaks, and the person may be speaking. */
  get #speakingManually() {
    return this.features?.activity === 'manual' && this.voiced && !this.#muted;
  }

  get #underWay() {
    return this.#state === 'live' || this.#state === 'resuming';
  }

  /** @param {Int16Array} chunk */
  #send(chunk) {
    if (this.#underWay) this.#line?.say(soundFrame(chunk));
  }

  /** @param {import('./protocol.js').Happening} happening */
  #hear(happening) {
    switch (happening.kind) {
      case 'sound':
        if (!this.#cut) this.#sound?.play(happening.samples);
        break;
      case 'transcript':
        if (this.#cut && happening.side === 'agent') break;
        this.announce('transcript', this.#transcript.hear(happening.side, happening.text));
        break;
      case 'interrupted':
        this.#cut = true;
        this.#sound?.flush();
        this.#announceAll(this.#transcript.interrupt());
        this.announce('interrupted', null);
        break;
      case 'turn-complete':
        this.#cut = false;
        this.#sound?.completeTurn();
        this.#announceAll(this.#transcript.completeTurn());
        break;
      case 'tool-call':
        this.#tools.call(happening.calls);
        break;
      case 'tool-cancellation':
        this.#tools.cancel(happening.ids);
    }
  }

  /** @param {'camera' | 'screen'} kind @param {MediaTrackConstraints} [constraints] */
  async #show(kind, constraints) {
    const line = this.#live();
    const { signal } = this.#ending;
    const camera = await Camera.open(kind, {
      constraints,
      busy: () => line.busy,
      show: (jpeg) => line.sayNow(pictureFrame(jpeg)),
      stopped: () => this.stopVideo(),
      signal,
    });
    this.#camera?.close();
    this.#camera = camera;
    this.announce('video', { kind, stream: camera.stream });
  }

  /** @returns {Line} */
  #live() {
    if (this.#underWay && this.#line) return this.#line;
    throw new LiveError('not-live', 'There is no conversation at the moment. Start one first.', { retryable: true });
  }

  /** @param {LiveError | null} error */
  #close(error) {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    this.#announceAll(this.#transcript.completeTurn());
    this.stopVideo();
    this.#tools.cancelAll();
    this.#ending.abort(error ?? hungUp());
    this.#sound = null;
    this.#line = null;
    this.#become('closed', error);
  }

  /** @param {import('./transcript.js').Utterance[]} utterances */
  #announceAll(utterances) {
    for (const utterance of utterances) this.announce('transcript', utterance);
  }

  /** @param {State} state @param {LiveError | null} error */
  #become(state, error) {
    const previous = this.#state;
    this.#state = state;
    this.announce('state', { state, previous, error });
  }
}
