/** Connects the parts of one conversation: the connection, sound, video, tools and incoming events. */

import { Line } from './connection/line.js';
import { activityFrame, pictureFrame, soundEndFrame, soundFrame, textFrame, toolFrame } from './connection/protocol.js';
import { LiveError, importOrFail } from './errors.js';
import { History, noteFrame } from './history.js';
import { IdleTimer, VOICE, idle } from './idle-timer.js';
import { Incoming } from './incoming.js';
import { microphoneReady } from './media/microphone.js';
import { CAPTURE_RATE } from './media/pcm.js';
import { Sound } from './media/sound.js';
import { keepScreenOn } from './media/wake-lock.js';

/**
 * @typedef {object} Context
 * @property {import('./connection/token-source.js').TokenSource} tokens
 * @property {import('./connection/connection.js').Transport} [transport]
 * @property {import('./tools.js').Tools} tools
 * @property {import('./typed-events.js').Emit<import('./session.js').SessionEvents>} emit
 * @property {(state: 'live' | 'resuming') => void} become
 * @property {(error: LiveError | null) => void} ended
 */

/** Its signal releases everything. */
export class Conversation {
  #options;
  #context;
  #signal;
  #history = new History();
  #incoming;
  #line;
  /** Set once something was shown. @type {import('./media/video.js').Video | null} */
  #video = null;
  /** @type {Sound | null} */
  #sound = null;
  /** @type {IdleTimer | null} */
  #idleTimer = null;
  #muted = false;
  #live = false;

  /**
   * Must be called in a user gesture.
   * @param {import('./session.js').StartOptions} options
   * @param {Context} context
   * @param {AbortSignal} signal
   */
  constructor(options, context, signal) {
    const { emit, tokens, tools, transport } = context;
    this.#options = options;
    this.#context = context;
    this.#signal = signal;
    if (options.microphone !== false || options.speaker !== false) {
      this.#sound = new Sound(
        {
          captured: (chunk) => this.#sendMicrophoneChunk(chunk),
          lost: (error) => context.ended(error),
          changed: (speaking) => emit('speaking', { speaking }),
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
    this.#line = new Line(
      tokens,
      {
        hear: (event) => this.#receive(event),
        waits: () => tools.busy,
        preface: () => (this.#speakingManually ? [activityFrame(true)] : []),
        resuming: () => this.#pause(),
        timed: (name, milliseconds) => emit('timing', { name, milliseconds }),
        sent: (frame) => {
          if (this.#history.sent(frame)) tools.asked();
        },
        rebuild: (form) => this.#history.frames(form, tools.rebuild()),
        resumed: (resumption) => this.#resume(resumption),
        rebuilt: (rebuilding) => this.#goOn('rebuilt', rebuilding),
        ended: (error) => context.ended(error),
      },
      { signal, transport },
    );
  }

  get line() {
    return this.#line;
  }

  /** Null for a conversation without sound. */
  get sound() {
    return this.#sound;
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
    const { profile, options, microphone = true, speaker } = this.#options;
    // No token is spent if the person may still refuse the microphone, if the browser may block sound, or if the page
    // hangs up at once, as a framework that mounts twice does. Otherwise the token is fetched in parallel.
    const ready = await (microphone === false || microphoneReady());
    const atOnce = ready && globalThis.navigator?.userActivation?.hasBeenActive !== false;
    this.#signal.throwIfAborted();
    const opened = this.#sound?.open({ microphone, speaker: speaker || '' });
    if (!atOnce) await opened;
    await Promise.all([this.#line.obtain({ profile, options }), opened]);
    this.#signal.throwIfAborted();
    await this.#line.open();
    this.#goLive();
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#muted = muted;
    this.#sound?.mute(muted);
    if (!this.#live || !this.#sound?.voiced) return;
    this.#incoming.asked();
    if (this.#manual) this.#line.say(activityFrame(!muted));
    else if (muted) this.#line.say(soundEndFrame());
  }

  /** @param {string} text */
  sendText(text) {
    this.#idleTimer?.reset();
    this.#line.say(textFrame(text));
    this.#incoming.type(text);
  }

  /** @param {import('./connection/protocol.js').FunctionResponse[]} responses */
  answer(responses) {
    this.#line.answer(toolFrame(responses));
  }

  /** @param {string} sentences for the model, outside a turn of the person */
  inform(sentences) {
    this.#line.say(noteFrame(sentences));
  }

  /** @param {MediaTrackConstraints} constraints */
  async useMicrophone(constraints) {
    const sound = this.#audible();
    const { voiced } = sound;
    await sound.useMicrophone(constraints);
    if (!voiced && this.#speakingManually) this.#line.say(activityFrame(true));
  }

  /**
   * @param {'camera' | 'screen'} kind
   * @param {MediaTrackConstraints} [constraints]
   */
  async show(kind, constraints) {
    const { Video } = await importOrFail(import('./media/video.js'));
    this.#video ??= new Video(
      {
        busy: () => this.#line.busy,
        send: (jpeg) => this.#line.sayNow(pictureFrame(jpeg)),
        changed: (shown) => this.#context.emit('video', shown),
      },
      this.#signal,
    );
    await this.#video.show(kind, constraints);
  }

  async switchCamera() {
    await this.#video?.switch();
  }

  stopVideo() {
    this.#video?.stop();
  }

  /** Emits the last events; the signal does the rest. */
  end() {
    this.#live = false;
    this.#sound?.flush();
    this.#incoming.completeTurn();
    this.stopVideo();
    this.#context.tools.cancelAll();
  }

  #goLive() {
    const { emit, become, ended, tools } = this.#context;
    const { greeting, idle_stop: idleStop } = this.#line.features ?? {};
    emit('tools', tools.expect(this.#line.features?.tools ?? [], this.#line.locked?.tools));
    this.#live = true;
    if (this.#speakingManually) this.#line.say(activityFrame(true));
    become('live');
    // Models do not speak first.
    if (greeting) {
      this.#incoming.asked();
      this.#line.say(textFrame(greeting));
    }
    if (idleStop) {
      const busy = () => tools.busy || this.#speakingManually || (this.#sound?.speaking ?? false);
      this.#idleTimer = new IdleTimer(idleStop * 1000, { busy, expired: () => ended(idle()) }, this.#signal);
    }
    if (!this.#sound) return;
    keepScreenOn(this.#signal);
    // If the file that lists them cannot be loaded, the next change tries again.
    const changed = () => this.#devicesChanged().catch(() => {});
    navigator.mediaDevices?.addEventListener('devicechange', changed, { signal: this.#signal });
  }

  /** The connection is gone: its answer stops. Its tool calls are still pending in the session. */
  #pause() {
    this.#incoming.lose();
    this.#context.become('resuming');
  }

  /** @param {import('./connection/line.js').Resumption} resumption */
  #resume(resumption) {
    if (resumption.contextLost) {
      this.#context.tools.disown();
      this.#history.forget();
    }
    this.#goOn('resumed', resumption);
  }

  /**
   * @template {'resumed' | 'rebuilt'} Type
   * @param {Type} type
   * @param {import('./session.js').SessionEvents[Type]} detail
   */
  #goOn(type, detail) {
    const { emit, become } = this.#context;
    become('live');
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
    return this.#line.features?.activity === 'manual';
  }

  /** Whether the token leaves turns to the client, and the person may be speaking. */
  get #speakingManually() {
    return this.#manual && this.#sound?.voiced === true && !this.#muted;
  }

  /** @param {import('./connection/protocol.js').ServerEvent} event */
  #receive(event) {
    this.#idleTimer?.reset();
    this.#incoming.receive(event);
  }

  /** @param {Int16Array} chunk */
  #sendMicrophoneChunk(chunk) {
    if (!this.#live) return;
    this.#line.say(soundFrame(chunk, CAPTURE_RATE));
    if ((this.#sound?.voice ?? 0) < VOICE) return;
    this.#idleTimer?.reset();
    this.#incoming.asked();
    // The answer itself may reach the microphone.
    if (!this.#sound?.speaking) this.#line.spoke((1000 * chunk.length) / CAPTURE_RATE);
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
