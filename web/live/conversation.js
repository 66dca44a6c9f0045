/** All that one conversation needs, put together: the line, sound, pictures, and what is made of what is heard. */

import { stayAwake } from './awake.js';
import { LiveError, loaded } from './errors.js';
import { Hearing } from './hearing.js';
import { Line } from './line.js';
import { microphoneReady } from './microphone.js';
import { activityFrame, pictureFrame, soundEndFrame, soundFrame, textFrame, toolFrame } from './protocol.js';
import { Silence, VOICE, silent } from './silence.js';
import { Sound } from './sound.js';

/**
 * @typedef {object} Circumstances
 * @property {import('./token-source.js').TokenSource} tokens
 * @property {import('./connection.js').Transport} [transport]
 * @property {import('./tools.js').Tools} tools
 * @property {import('./typed-events.js').Announce<import('./session.js').SessionEvents>} announce
 * @property {(state: 'live' | 'resuming') => void} become
 * @property {(error: LiveError | null) => void} ended
 */

/** Everything is released by its signal. */
export class Conversation {
  #options;
  #circumstances;
  #signal;
  #hearing;
  #line;
  /** Once something was shown. @type {import('./video.js').Video | null} */
  #video = null;
  /** @type {Sound | null} */
  #sound = null;
  /** @type {Silence | null} */
  #silence = null;
  #muted = false;
  #live = false;

  /**
   * To be made in the person's gesture.
   * @param {import('./session.js').StartOptions} options
   * @param {Circumstances} circumstances
   * @param {AbortSignal} signal
   */
  constructor(options, circumstances, signal) {
    const { announce, tokens, tools, transport } = circumstances;
    this.#options = options;
    this.#circumstances = circumstances;
    this.#signal = signal;
    if (options.microphone !== false || options.speaker !== false) {
      this.#sound = new Sound(
        {
          hear: (chunk) => this.#send(chunk),
          lost: (error) => circumstances.ended(error),
          changed: (speaking) => announce('speaking', { speaking }),
        },
        signal,
      );
    }
    this.#hearing = new Hearing(announce, this.#sound, tools);
    this.#line = new Line(
      tokens,
      {
        hear: (happening) => this.#hear(happening),
        preface: () => (this.#speakingManually ? [activityFrame(true)] : []),
        resuming: () => this.#pause(),
        timed: (name, milliseconds) => announce('timing', { name, milliseconds }),
        resumed: (resumption) => this.#goOn(resumption),
        ended: (error) => circumstances.ended(error),
      },
      { signal, transport },
    );
  }

  get line() {
    return this.#line;
  }

  /** Null where there is to be none. */
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
    // A token is not spent on somebody who may yet refuse the microphone, nor where the browser may keep sound off; and
    // no time is lost on others. Nor is it on a page that hangs up in the same breath, as a framework that mounts twice.
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
    this.#hearing.asked();
    if (this.#manual) this.#line.say(activityFrame(!muted));
    else if (muted) this.#line.say(soundEndFrame());
  }

  /** @param {string} text */
  sendText(text) {
    this.#silence?.broken();
    this.#line.say(textFrame(text));
    this.#hearing.type(text);
  }

  /** @param {import('./protocol.js').FunctionResponse[]} responses */
  answer(responses) {
    this.#line.sayNow(toolFrame(responses));
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
    const { Video } = await loaded(import('./video.js'));
    this.#video ??= new Video(
      {
        busy: () => this.#line.busy,
        show: (jpeg) => this.#line.sayNow(pictureFrame(jpeg)),
        changed: (shown) => this.#circumstances.announce('video', shown),
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

  /** Says what there is still to say; the signal does the rest. */
  end() {
    this.#live = false;
    this.#sound?.flush();
    this.#hearing.completeTurn();
    this.stopVideo();
    this.#circumstances.tools.cancelAll();
  }

  #goLive() {
    const { announce, become, ended, tools } = this.#circumstances;
    const { greeting, idle_stop: idleStop } = this.#line.features ?? {};
    announce('tools', tools.expect(this.#line.features?.tools ?? [], this.#line.locked?.tools));
    this.#live = true;
    if (this.#speakingManually) this.#line.say(activityFrame(true));
    become('live');
    // Models do not speak first.
    if (greeting) {
      this.#hearing.asked();
      this.#line.say(textFrame(greeting));
    }
    if (idleStop) {
      const busy = () => tools.busy || this.#speakingManually || (this.#sound?.speaking ?? false);
      this.#silence = new Silence(idleStop * 1000, { busy, over: () => ended(silent()) }, this.#signal);
    }
    if (!this.#sound) return;
    stayAwake(this.#signal);
    // Without the file that lists them, the next change may tell.
    const changed = () => this.#devicesChanged().catch(() => {});
    navigator.mediaDevices?.addEventListener('devicechange', changed, { signal: this.#signal });
  }

  /** The connection is gone: what it was saying will not go on, and its calls wait for no answer. */
  #pause() {
    this.#hearing.completeTurn();
    this.#circumstances.tools.cancelAll();
    this.#circumstances.become('resuming');
  }

  /** @param {import('./line.js').Resumption} resumption */
  #goOn(resumption) {
    const { announce, become } = this.#circumstances;
    become('live');
    announce('resumed', resumption);
    announce('timing', { name: 'resume', milliseconds: resumption.gap });
  }

  /** @returns {Sound} */
  #audible() {
    if (this.#sound) return this.#sound;
    throw new LiveError('sound-off', 'This conversation was started without sound. Start it again to speak and listen.');
  }

  get #manual() {
    return this.#line.features?.activity === 'manual';
  }

  /** Whether the token leaves it to us to say who speaks, and the person may be speaking. */
  get #speakingManually() {
    return this.#manual && this.#sound?.voiced === true && !this.#muted;
  }

  /** @param {import('./protocol.js').Happening} happening */
  #hear(happening) {
    this.#silence?.broken();
    this.#hearing.hear(happening);
  }

  /** @param {Int16Array} chunk */
  #send(chunk) {
    if (!this.#live) return;
    this.#line.say(soundFrame(chunk));
    if ((this.#sound?.voice ?? 0) < VOICE) return;
    this.#silence?.broken();
    this.#hearing.asked();
  }

  async #devicesChanged() {
    const { announce } = this.#circumstances;
    const { listDevices } = await import('./devices.js');
    const devices = await listDevices();
    if (this.#signal.aborted) return;
    await this.#sound?.keepAmong(devices.speakers);
    announce('devices', devices);
  }
}
