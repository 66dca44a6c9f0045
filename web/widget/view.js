/** What a person sees of a conversation, and does in it. */

import { remedy, sentence } from './complaints.js';
import { tell } from './dom.js';
import { Log } from './log.js';
import { Panel } from './panel.js';
import { Picture } from './picture.js';
import { PushToTalk } from './push-to-talk.js';
import { STYLES } from './styles.js';

/** @typedef {import('../live/errors.js').LiveError} LiveError */
/** @typedef {import('../live/session.js').SessionEvents} SessionEvents */
/** @typedef {import('./words.js').Words} Words */

// A renewal is over before anybody notices; only a longer pause is worth a word.
const PATIENCE_MS = 700;
const LAST_MINUTE_S = 60;

/** Shows what the session is; what a person does goes to the agent, as a host would do it. */
export class View {
  /** @type {{microphone?: MediaTrackConstraints, speaker?: string}} what was chosen in the settings */
  devices = {};
  #agent;
  #session;
  #words;
  #facade;
  #log = new Log();
  #picture;
  #panel;
  #hold;
  /** @type {Set<string>} */
  #working = new Set();
  #speaking = false;
  /** @type {Promise<void> | null} */
  #asking = null;
  /** @type {'camera' | 'screen' | null} */
  #showing = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patience;
  #late = false;
  /** @type {(() => void) | null} */
  #mend = null;

  /**
   * @param {import('./element.js').LiveAgent} agent
   * @param {import('../live/session.js').LiveSession} session
   * @param {Words} words
   * @param {import('./facade.js').Facade} facade
   */
  constructor(agent, session, words, facade) {
    this.#agent = agent;
    this.#session = session;
    this.#words = words;
    this.#facade = facade;
    this.#picture = new Picture(session);
    this.#panel = new Panel(this.#picture.canvas, this.#log);
    this.#hold = new PushToTalk(session, this.#panel.talk);
    facade.adopt(this.#panel.element, STYLES);
    this.#listen();
    this.#wire();
    this.translate(words);
  }

  get words() {
    return this.#words;
  }

  /** @param {Words} words */
  translate(words) {
    this.#words = words;
    this.#panel.translate(words);
    this.refresh();
  }

  /**
   * Opens the panel, or collapses it into the button; a conversation goes on in either.
   * @param {boolean} open
   * @param {boolean} reached whether it was the button that opened it, so that the focus goes along
   */
  show(open, reached) {
    const { element, start, field, collapse } = this.#panel;
    const inside = element.contains(this.#agent.shadowRoot?.activeElement ?? null);
    element.hidden = !open;
    element.role = this.#agent.mode === 'inline' ? 'region' : 'dialog';
    collapse.hidden = this.#agent.mode === 'inline';
    this.#facade.lendAvatar(open ? this.#panel.header : null);
    this.refresh();
    if (open && reached) (start.hidden ? field : start).focus();
    if (!open && inside) this.#facade.launcher.focus();
    if (open) this.#picture.run();
  }

  /**
   * @returns {Promise<void>} once the person has agreed, now or before
   * @throws {LiveError} `hung-up` when they would rather not
   */
  askConsent() {
    this.#asking ??= this.#ask().catch((error) => {
      this.#asking = null;
      throw error;
    });
    return this.#asking;
  }

  async #ask() {
    const { ask } = await import('./consent.js');
    try {
      await ask(this.#panel, this.#words, this.#agent.consent);
    } finally {
      this.#panel.start.focus();
    }
  }

  /** @param {LiveError | null} error */
  complain(error) {
    const { error: place, sentence: said, remedy: button } = this.#panel;
    place.hidden = error === null || error.code === 'hung-up';
    if (error === null || place.hidden) return;
    const way = this.#agent.input === 'voice' && remedy(error) === 'write' ? 'retry' : remedy(error);
    this.#mend = { retry: () => this.#start(), write: () => this.#panel.field.focus(), dismiss: () => {} }[way];
    said.textContent = sentence(error, this.#words);
    button.textContent = this.#words.say(way);
  }

  refresh() {
    const { state, features, muted, voiced } = this.#session;
    const { input, pushToTalk } = this.#agent;
    const panel = this.#panel;
    const live = underWay(state);
    const resting = state === 'idle' || state === 'closed';
    const focused = this.#agent.shadowRoot?.activeElement;
    panel.offer(state === 'idle' ? 'start' : state === 'closed' ? 'again' : live ? 'end' : 'cancel', this.#words);
    panel.start.hidden = resting && input === 'text';
    panel.composer.hidden = input === 'voice' || features?.text === false;
    panel.mute.hidden = !live || !voiced || pushToTalk;
    panel.mute.ariaPressed = String(muted);
    panel.talk.hidden = !live || !voiced || !pushToTalk;
    for (const kind of /** @type {const} */ (['camera', 'screen'])) {
      panel[kind].hidden = !live || !features?.video?.includes(kind) || !offered(kind);
      panel[kind].ariaPressed = String(this.#showing === kind);
    }
    this.#hold.enable(!panel.talk.hidden);
    tell(panel.status, this.#words.say(`state.${this.#condition()}`));
    tell(panel.notice, this.#late ? this.#words.say('notice.resuming') : '');
    this.#facade.say(live ? this.#words.say('ongoing') : '');
    // What had the focus may just have gone; the keyboard must not be sent back to the top of the page.
    if (focused?.checkVisibility() === false) (panel.start.hidden ? panel.field : panel.start).focus();
  }

  #condition() {
    const { state, muted, voiced } = this.#session;
    if (state !== 'live') return state === 'resuming' && !this.#late ? 'listening' : state;
    if (this.#working.size > 0) return 'working';
    if (this.#speaking) return 'speaking';
    if (!voiced) return 'reading';
    if (!muted) return 'listening';
    return this.#agent.pushToTalk ? 'holding' : 'muted';
  }

  #listen() {
    const session = this.#session;
    session.addEventListener('state', ({ detail }) => this.#turnTo(detail));
    session.addEventListener('resumed', ({ detail }) => {
      if (detail.contextLost) tell(this.#panel.notice, this.#words.say('notice.forgotten'));
    });
    session.addEventListener('speaking', ({ detail: { speaking } }) => {
      this.#speaking = speaking;
      this.refresh();
    });
    session.addEventListener('transcript', ({ detail }) => this.#log.show(detail, this.#words));
    session.addEventListener('tool', ({ detail }) => {
      if (detail.status === 'running') this.#working.add(detail.id);
      else this.#working.delete(detail.id);
      this.#log.progress(detail, this.#words);
      this.refresh();
    });
    session.addEventListener('video', async ({ detail }) => {
      this.#showing = detail?.kind ?? null;
      this.refresh();
      const { preview } = await import('./preview.js');
      preview(this.#panel, this.#words, detail);
    });
  }

  /** @param {SessionEvents['state']} change */
  #turnTo({ state, previous, error }) {
    clearTimeout(this.#patience);
    this.#late = false;
    if (state === 'resuming') {
      this.#patience = setTimeout(() => {
        this.#late = true;
        this.refresh();
      }, PATIENCE_MS);
    }
    if (state !== 'live') {
      this.#working.clear();
      this.#speaking = false;
    }
    if (state === 'connecting') this.#log.clear();
    if (error || state === 'connecting') this.complain(error);
    this.refresh();
    // Who listens and who speaks can be heard; a screen reader says the rest.
    if (state === 'connecting' || state === 'closed') this.#log.announce(this.#panel.status.textContent ?? '');
    if (state === 'live' && previous === 'connecting') {
      this.#log.announce(this.#panel.status.textContent ?? '');
      this.#picture.run();
      this.#countDown();
    }
  }

  /** Tells the time that is left, calmly: by the minute, and aloud once, a minute before the end. */
  #countDown() {
    const seconds = (this.#session.endsAt - performance.now()) / 1000;
    const known = underWay(this.#session.state) && Number.isFinite(seconds);
    const sentence = known ? this.#words.say('notice.left', { time: this.#words.span(Math.max(0, seconds)) }) : '';
    tell(this.#panel.left, sentence);
    if (known && Math.ceil(seconds) === LAST_MINUTE_S) this.#log.announce(sentence);
    if (underWay(this.#session.state)) setTimeout(() => this.#countDown(), 1000);
  }

  #wire() {
    const { element, start, mute, camera, screen, collapse, composer, field, remedy: button } = this.#panel;
    start.addEventListener('click', () => {
      if (this.#session.state === 'idle' || this.#session.state === 'closed') this.#start();
      else this.#agent.stop();
    });
    mute.addEventListener('click', () => {
      this.#agent.mute(!this.#session.muted);
      this.refresh();
    });
    camera.addEventListener('click', () => this.#toggleVideo('camera'));
    screen.addEventListener('click', () => this.#toggleVideo('screen'));
    button.addEventListener('click', () => {
      this.complain(null);
      this.#mend?.();
    });
    collapse.addEventListener('click', () => {
      this.#agent.open = false;
    });
    element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing || this.#agent.mode === 'inline') return;
      event.preventDefault();
      event.stopPropagation(); // the host's own dialog, around us, stays
      this.#agent.open = false;
    });
    field.addEventListener('keydown', (event) => {
      // Safari ends a composition before it reports its Enter; 229 is then all that tells (UI Events, 7.3.1).
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      composer.requestSubmit();
    });
    composer.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#write();
    });
  }

  /** @param {boolean} [microphone] */
  async #start(microphone) {
    try {
      await this.#agent.start({ microphone });
    } catch {
      // The state's event has told it.
    }
  }

  /** Says what was typed; where nothing goes on, that begins a conversation without a microphone. */
  async #write() {
    const { field } = this.#panel;
    const text = field.value.trim();
    if (text === '' || this.#session.state === 'connecting') return;
    if (!underWay(this.#session.state)) await this.#start(false);
    if (!underWay(this.#session.state)) return;
    this.#session.sendText(text);
    field.value = '';
  }

  /** @param {'camera' | 'screen'} kind */
  async #toggleVideo(kind) {
    this.complain(null);
    try {
      if (this.#showing === kind) this.#session.stopVideo();
      else await (kind === 'camera' ? this.#session.showCamera() : this.#session.showScreen());
    } catch (error) {
      this.complain(/** @type {LiveError} */ (error));
      this.#agent.tell('error', error);
    }
  }
}

/** @param {import('../live/session.js').State} state */
function underWay(state) {
  return state === 'live' || state === 'resuming';
}

/** @param {'camera' | 'screen'} kind */
function offered(kind) {
  // Phones have no getDisplayMedia. An insecure page has neither; there the button stays, and says why it cannot.
  return kind === 'camera' || !isSecureContext || 'getDisplayMedia' in navigator.mediaDevices;
}
