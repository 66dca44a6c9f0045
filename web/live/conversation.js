/** Connects the parts of one conversation: the connection, sound, video, tools and incoming events. */

import { activityFrame, pictureFrame, soundEndFrame, soundFrame, textFrame, toolFrame } from './connection/protocol.js';
import { ResumableConnection } from './connection/resumable-connection.js';
import { LiveError, hungUp, importOrFail } from './errors.js';
import { Incoming } from './incoming.js';
import { isStream, microphoneReady } from './media/audio-devices.js';
import { keepScreenOn } from './media/browser.js';
import { CAPTURE_RATE, VOICE } from './media/pcm.js';
import { Sound } from './media/sound.js';
import { named } from './toolbox.js';
import { History, note, noteFrame } from './transcript.js';

// A voice before the conversation is live takes the place of the greeting; a click or a cough is shorter.
const SPOKEN_MS = 200;
// A timer cannot wait for longer.
const LONGEST_IDLE_S = 2_000_000;

/**
 * @typedef {object} Context
 * @property {import('./connection/token-source.js').TokenSource} tokens
 * @property {import('./connection/connection.js').Transport} [transport]
 * @property {import('./toolbox.js').Toolbox} tools
 * @property {import('./watching.js').Emit<import('./session.js').SessionEvents>} emit
 * @property {(state: 'live' | 'resuming') => void} become
 * @property {(error: LiveError | null) => void} ended
 */

/**
 * What the modules watch that are loaded when they are needed.
 * @typedef {import('./connection/protocol.js').ServerEvent | {kind: 'typed' | 'lost' | 'speaking', text?: string}} Observed
 *
 * The parts of a conversation that they use.
 * @typedef {Context & OwnParts} Parts
 * @typedef {object} OwnParts
 * @property {ResumableConnection} connection
 * @property {Incoming} incoming
 * @property {Sound | null} sound
 * @property {string[]} notes of the page, until they are sent
 * @property {() => boolean} talking whether the person speaks, as far as the server knows
 * @property {() => Promise<import('./holding.js').Holding>} holding holds back what a person may still stop
 * @property {(text: string) => void} inform tells the model something that it does not answer
 */

const nothing = () => ({});

/** Its signal releases everything. */
export class Conversation {
  #options;
  #context;
  #signal;
  #history = new History();
  #incoming;
  #connection;
  /** Set once something was shown. @type {import('./media/video.js').Video | null} */
  #video = null;
  /** @type {Sound | null} */
  #sound = null;
  /** @type {import('./idle-timer.js').IdleTimer | null} */
  #idleTimer = null;
  /** What the page has the model know, until it is sent: with the person's next text at the latest. @type {string[]} */
  #notes = [];
  /** @type {Promise<import('./silent-input.js').SilentInput> | null} */
  #silentInput = null;
  /** @type {Promise<import('./holding.js').Holding> | null} */
  #holding = null;
  /** @type {{receive: (event: Observed) => void}[]} */
  #observers = [];
  #muted = false;
  /** Whether what the person says is sent, or kept until it can be. */
  #listening = false;
  /** Whether the server hears a voice. */
  #voice = false;
  #live = false;
  #liveSince = Infinity;
  /** Of a voice before the conversation is live, in milliseconds; endless for typed text. */
  #spoken = 0;
  /** Aborts when the camera or the screen that is being opened is not to be shown any more. */
  #showing = new AbortController();

  /**
   * Must be called in a user gesture.
   * @param {import('./session.js').StartOptions} options
   * @param {Context} context
   * @param {AbortSignal} signal
   */
  constructor(options, context, signal) {
    const { emit, tokens, tools, transport } = context;
    tokens.usage = () => this.#usage;
    this.#options = options;
    this.#context = context;
    this.#signal = signal;
    if (options.microphone !== false || options.speaker !== false) {
      this.#sound = new Sound(
        {
          captured: (chunk) => this.#sendMicrophoneChunk(chunk),
          lost: (error) => context.ended(error),
          changed: (speaking) => {
            emit('speaking', { speaking });
            this.#tell({ kind: 'speaking' });
          },
          using: (microphone) => emit('microphone', microphone),
        },
        signal,
      );
    }
    /** @type {Context['emit']} */
    const heard = (type, detail) => {
      if (type === 'transcript') this.#remember(/** @type {import('./transcript.js').Utterance} */ (detail));
      emit(type, detail);
    };
    this.#incoming = new Incoming(heard, this.#sound, tools);
    this.#connection = new ResumableConnection(
      tokens,
      {
        receive: (event) => this.#receive(event),
        waits: () => tools.busy,
        live: () => this.#goLive(),
        prologue: () => (this.#speakingManually ? [activityFrame(true)] : []),
        resuming: () => this.#pause(),
        timed: (name, milliseconds) => emit('timing', { name, milliseconds }),
        sent: (frame) => {
          if (this.#history.sent(frame)) tools.asked();
        },
        rebuild: (form) => {
          this.#notes.length = 0;
          return this.#history.frames(form, tools.rebuild());
        },
        resumed: (resumption) => this.#resume(resumption),
        rebuilt: (rebuilding) => {
          this.#incoming.work(false);
          this.#continue('rebuilt', rebuilding);
        },
        ended: (error) => context.ended(error),
      },
      { signal, left: options.continues?.request, transport },
    );
  }

  get connection() {
    return this.#connection;
  }

  get #usage() {
    const seconds = Math.max(0, (performance.now() - this.#liveSince) / 1000);
    return { seconds, tokens: this.#incoming.tokens, ended: this.#signal.reason?.code };
  }

  /** Null for a conversation without sound. */
  get sound() {
    return this.#sound;
  }

  /** Whether what the person says is sent, or kept until it can be. */
  get listening() {
    return this.#listening;
  }

  /** @param {string} speaker */
  async useSpeaker(speaker) {
    await this.#audible().useSpeaker(speaker);
  }

  /**
   * @returns {Promise<void>} at `live`
   * @throws {LiveError}
   */
  async begin() {
    const { profile, options, continues, microphone = true, speaker } = this.#options;
    // No token is spent if the person may still refuse the microphone, if the browser may block sound, or if the page
    // hangs up at once, as a framework that mounts twice does. Otherwise the token is fetched in parallel.
    const ready = await (microphone === false || isStream(microphone) || microphoneReady());
    const atOnce = ready && globalThis.navigator?.userActivation?.hasBeenActive !== false;
    this.#signal.throwIfAborted();
    const opened = this.#sound?.open({ microphone, speaker: speaker ?? '' });
    if (!atOnce) await opened;
    await Promise.all([this.#connection.obtain({ profile, options }), opened, this.#context.tools.prepare()]);
    this.#signal.throwIfAborted();
    if (continues) {
      const { recall } = await importOrFail(import('./continuing.js'));
      recall(continues.transcript, this.#history, this.#context.emit);
    }
    await Promise.all([this.#connection.open(), this.#prepareIdleStop(), this.#prepareTools()]);
  }

  /**
   * Loads the idle timer before the conversation is live, if the profile has one: later the network may be gone.
   * @throws {LiveError} `page-incomplete`
   */
  async #prepareIdleStop() {
    const seconds = this.#connection.features?.idle_stop ?? 0;
    if (!(seconds > 0 && seconds <= LONGEST_IDLE_S)) return;
    const { IdleTimer, idle } = await importOrFail(import('./idle-timer.js'));
    const { tools, ended } = this.#context;
    const busy = () => !this.#live || tools.busy || this.#speakingManually || this.#incoming.working || (this.#sound?.speaking ?? false);
    this.#idleTimer = new IdleTimer(seconds * 1000, { busy, expired: () => ended(idle()) }, this.#signal);
  }

  /**
   * Loads what waits for the person's word before it is said.
   * @throws {LiveError} `page-incomplete`
   */
  async #prepareTools() {
    const { tools } = this.#context;
    tools.hold = async (hold, signal) => (await this.#hold()).wait(hold, signal);
    const onServer = named(this.#connection.features?.tools).some(({ runs }) => runs === 'server');
    if (onServer) await this.#attach(import('./server-tools.js'));
    if (onServer || tools.holds) await this.#hold();
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#muted = muted;
    this.#sound?.mute(muted);
    if (!this.#sound?.voiced) return;
    if (this.#live) this.#incoming.asked();
    this.#listen(!muted);
  }

  /** @param {string} text sent as soon as there is a connection */
  sendText(text) {
    this.#spoken = Infinity;
    this.#idleTimer?.reset();
    this.#sayText(text);
    this.#incoming.type(text);
  }

  /** @param {string} text that is answered; it takes along what the model does not know yet */
  #sayText(text) {
    const notes = this.#notes.splice(0).join(' ');
    this.#connection.send(textFrame(notes ? `${text}\n\n${note(notes)}` : text));
    this.#tell({ kind: 'typed', text });
  }

  /** @param {string} text for the model to know, and not to answer */
  sendContext(text) {
    this.#history.noted(text);
    this.#notes.push(text);
    if (this.#live) this.#flushNotes();
  }

  #flushNotes() {
    // If the file cannot be loaded, the notes go with what the person types.
    this.#silently().then((input) => input.flush(), () => {});
  }

  /** @param {Blob} blob */
  async sendImage(blob) {
    await (await this.#silently()).show(blob);
  }

  interrupt() {
    if (!this.#incoming.interrupt()) return;
    // Text that is typed next takes it along, and stops the answer itself.
    this.#notes.unshift('the user stopped your answer before its end.');
    this.#silently().then((input) => input.interrupt(), () => {});
  }

  /** @param {import('./connection/protocol.js').FunctionResponse[]} responses */
  answer(responses) {
    this.#connection.sendAnswer(toolFrame(responses));
  }

  /** @param {string} sentences for the model, outside a turn of the person */
  inform(sentences) {
    this.#connection.send(noteFrame(sentences));
  }

  /** @param {MediaTrackConstraints | MediaStream} constraints @param {AbortSignal} [wanted] */
  async useMicrophone(constraints, wanted) {
    await this.#audible().useMicrophone(constraints, wanted);
    this.#signal.throwIfAborted();
    if (!this.#muted) this.#listen(true);
  }

  /**
   * @param {'camera' | 'screen'} kind
   * @param {MediaTrackConstraints} [constraints]
   * @param {AbortSignal} [signal] the page's: it also stops later what is shown
   */
  async show(kind, constraints, signal) {
    const newest = this.#supersede();
    const wanted = signal ? AbortSignal.any([newest, signal]) : newest;
    wanted.throwIfAborted();
    const { Video } = await importOrFail(import('./media/video.js'));
    wanted.throwIfAborted();
    this.#video ??= new Video(
      {
        busy: () => this.#connection.busy,
        send: (jpeg) => this.#connection.sendNow(pictureFrame(jpeg)),
        changed: (shown) => this.#context.emit('video', shown),
      },
      this.#signal,
    );
    await this.#video.show(kind, constraints, wanted, signal);
  }

  async switchCamera() {
    if (this.#video?.shows === 'camera') await this.#video.switch(this.#supersede());
  }

  stopVideo() {
    this.#showing.abort(hungUp());
    this.#video?.stop();
  }

  /** What is being opened is not to be shown any more. @returns {AbortSignal} for what is opened instead */
  #supersede() {
    this.#showing.abort(hungUp());
    this.#showing = new AbortController();
    return this.#showing.signal;
  }

  /** Emits the last events; the signal does the rest. */
  end() {
    this.#live = false;
    this.#sound?.flush();
    this.#incoming.completeTurn();
    this.stopVideo();
    const { tokens, tools } = this.#context;
    tools.cancelAll();
    // These outlive the conversation, and would keep its sound.
    tools.hold = null;
    tokens.usage = nothing;
    if (!this.#listening) return;
    this.#listening = false;
    this.#context.emit('listening', { listening: false });
  }

  /**
   * What the person says is taken from here on, or no longer. Whether the client marks turns is known with the token only.
   * @param {boolean} listening
   */
  #listen(listening) {
    if (listening === this.#listening) return;
    this.#listening = listening;
    const unmarked = listening ? '' : soundEndFrame();
    this.#connection.send(() => (this.#manual ? activityFrame(listening) : unmarked));
    if (this.#live && this.#manual) this.#tell({ kind: 'voice-activity', active: listening });
    this.#context.emit('listening', { listening });
  }

  /** @param {boolean} [greets] */
  #goLive(greets = true) {
    const { emit, become, tools } = this.#context;
    const { greeting, tools: declared, transcripts } = this.#connection.features ?? {};
    emit('tools', tools.expect(declared, this.#connection.locked?.tools));
    this.#incoming.transcribed = transcripts === true;
    // Without that file such a call is answered, and ends nothing.
    if (named(declared).some(({ ends }) => ends)) this.#attach(import('./farewell.js')).catch(() => {});
    this.#live = true;
    this.#liveSince = performance.now();
    this.#idleTimer?.reset();
    if (this.#sound?.voiced && !this.#muted) this.#listen(true);
    become('live');
    if (this.#signal.aborted) return;
    // Models do not speak first. Who has spoken is answered instead.
    if (greets && greeting && typeof greeting === 'string' && this.#spoken < SPOKEN_MS) {
      this.#incoming.asked();
      this.#sayText(greeting);
    } else if (this.#notes.length > 0) this.#flushNotes();
    if (!this.#sound) return;
    keepScreenOn(this.#signal);
    // If the file that lists them cannot be loaded, the next change tries again.
    const changed = () => this.#devicesChanged().catch(() => {});
    navigator.mediaDevices?.addEventListener('devicechange', changed, { signal: this.#signal });
  }

  /** The connection is gone: its answer stops. Its tool calls are still pending in the session. */
  #pause() {
    this.#incoming.lose();
    this.#tell({ kind: 'lost' });
    this.#context.become('resuming');
  }

  /** @param {import('./connection/resumable-connection.js').Resumption} resumption */
  #resume(resumption) {
    if (resumption.contextLost) {
      this.#context.tools.disown();
      this.#history.forget();
      this.#incoming.work(false);
      this.#notes.splice(0, Infinity, ...this.#history.notes);
    }
    this.#continue('resumed', resumption);
  }

  /**
   * @template {'resumed' | 'rebuilt'} Type
   * @param {Type} type
   * @param {import('./session.js').SessionEvents[Type]} detail
   */
  #continue(type, detail) {
    const { emit, become } = this.#context;
    if (this.#live) become('live');
    else this.#goLive(false); // on the page that continues it
    if (this.#signal.aborted) return;
    emit(type, detail);
    emit('timing', { name: 'resume', milliseconds: detail.gap });
  }

  /** @param {import('./transcript.js').Utterance} utterance */
  #remember(utterance) {
    this.#history.heard(utterance);
    if (utterance.side === 'user' && !utterance.typed) this.#context.tools.asked();
  }

  /** @returns {Sound} */
  #audible() {
    if (this.#sound) return this.#sound;
    throw new LiveError('sound-off', 'This conversation was started without sound. Start it again to speak and listen.');
  }

  get #manual() {
    return this.#connection.features?.activity === 'manual';
  }

  /** Whether the token leaves turns to the client, and the person may be speaking. */
  get #speakingManually() {
    return this.#manual && this.#listening;
  }

  /** @param {import('./connection/protocol.js').ServerEvent} event */
  #receive(event) {
    this.#idleTimer?.reset();
    this.#incoming.receive(event);
    this.#tell(event);
  }

  /** @param {Observed} event */
  #tell(event) {
    if (event.kind === 'voice-activity') this.#voice = event.active;
    for (const observer of this.#observers) observer.receive(event);
  }

  #hold() {
    this.#holding ??= this.#attach(import('./holding.js'));
    return this.#holding;
  }

  #silently() {
    this.#silentInput ??= this.#attach(import('./silent-input.js')).catch((error) => {
      this.#silentInput = null;
      throw error;
    });
    return this.#silentInput;
  }

  /**
   * @template {{receive: (event: Observed) => void}} Observer
   * @param {Promise<{attach: (parts: Parts, signal: AbortSignal) => Observer}>} loading
   * @throws {LiveError} `page-incomplete`
   */
  async #attach(loading) {
    const { attach } = await importOrFail(loading);
    const parts = {
      ...this.#context,
      connection: this.#connection,
      incoming: this.#incoming,
      sound: this.#sound,
      notes: this.#notes,
      talking: () => this.#voice || this.#speakingManually,
      holding: () => this.#hold(),
      inform: (/** @type {string} */ text) => this.sendContext(text),
    };
    const observer = attach(parts, this.#signal);
    this.#observers.push(observer);
    return observer;
  }

  /** @param {Int16Array} chunk */
  #sendMicrophoneChunk(chunk) {
    this.#listen(true);
    this.#connection.sendSound(soundFrame(chunk, CAPTURE_RATE));
    if ((this.#sound?.voice ?? 0) < VOICE) return;
    const milliseconds = (1000 * chunk.length) / CAPTURE_RATE;
    if (!this.#live) this.#spoken += milliseconds;
    this.#idleTimer?.reset();
    this.#incoming.asked();
    // The answer itself may reach the microphone.
    if (!this.#sound?.speaking) this.#connection.spoke(milliseconds);
  }

  async #devicesChanged() {
    const { emit } = this.#context;
    const { listDevices } = await import('./media/devices.js');
    const devices = await listDevices();
    if (this.#signal.aborted) return;
    await this.#sound?.keepAmong(devices.speakers);
    emit('devices', devices);
  }
}
