/** What a person sees of a conversation, and does in it. */

import { asLiveError, loaded } from '../live/errors.js';
import { remedy, sentence } from './complaints.js';
import { compose } from './composer.js';
import { tell } from './dom.js';
import { Log } from './log.js';
import { Panel } from './panel.js';
import { Picture } from './picture.js';
import { STYLES } from './styles.js';

/** @typedef {import('../live/errors.js').LiveError} LiveError */
/** @typedef {import('../live/session.js').SessionEvents} SessionEvents */
/** @typedef {import('./words.js').Words} Words */

// A renewal is over before anybody notices; only a longer pause is worth a word.
const PATIENCE_MS = 700;
const LAST_MINUTE_S = 60;

/** Shows what the session is; what a person does goes to the agent, as a host would do it. */
export class View {
  /** @type {import('./settings.js').Chosen} */
  chosen = { microphone: '', speaker: '', camera: '' };
  #agent;
  #session;
  #words;
  #facade;
  #log = new Log();
  #picture;
  #panel;
  /** @type {import('./push-to-talk.js').PushToTalk | null} */
  #hold = null;
  /** @type {Set<string>} */
  #working = new Set();
  #speaking = false;
  /** @type {Promise<void> | null} */
  #consent = null;
  /** @type {import('./showing.js').Showing | null} */
  #showing = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patience;
  /** The connection has been away for so long that it has to be mentioned. */
  #late = false;

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
    facade.adopt(this.#panel.element, STYLES);
    this.#listen();
    this.#wire();
    this.translate(words);
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
    const { element, header, collapse } = this.#panel;
    const inside = element.contains(this.#agent.shadowRoot?.activeElement ?? null);
    const inline = this.#agent.mode === 'inline';
    element.hidden = !open;
    element.role = inline ? 'region' : 'dialog';
    collapse.hidden = inline;
    this.#facade.lendAvatar(open ? header : null);
    this.refresh();
    if (open && reached) this.#first.focus();
    if (!open && inside) this.#facade.launcher.focus();
    if (open) this.#picture.run();
  }

  /**
   * @returns {Promise<void>} once the person has agreed, now or before
   * @throws {LiveError} `hung-up` when they would rather not
   */
  askConsent() {
    this.#consent ??= loaded(import('./consent.js'))
      .catch((cause) => Promise.reject(this.#miss(cause)))
      .then(({ ask }) => ask(this.#panel, this.#words, this.#agent.consent))
      .catch((error) => {
        this.#consent = null;
        throw error;
      });
    return this.#consent;
  }

  refresh() {
    const { state, features, muted, voiced } = this.#session;
    const { input, pushToTalk } = this.#agent;
    const panel = this.#panel;
    const live = underWay(state);
    const focused = /** @type {HTMLElement | null} */ (this.#agent.shadowRoot?.activeElement);
    panel.offer(state === 'idle' ? 'start' : state === 'closed' ? 'again' : live ? 'end' : 'cancel', this.#words);
    panel.start.hidden = resting(state) && input === 'text';
    panel.composer.hidden = input === 'voice' || features?.text === false;
    panel.voice.hidden = !live || voiced || input === 'text';
    panel.mute.hidden = !live || !voiced || pushToTalk;
    panel.mute.ariaPressed = String(muted);
    panel.talk.hidden = !live || !voiced || !pushToTalk;
    this.#letHold(!panel.talk.hidden).catch(this.#miss);
    this.#showing?.refresh(live, this.#words);
    tell(panel.status, this.#words.say(`state.${this.#condition}`));
    this.#facade.say(live ? this.#words.say('ongoing') : '');
    // What had the focus may just have gone; the keyboard must not be sent back to the top of the page.
    if (focused?.checkVisibility() === false) this.#first.focus();
  }

  /** What the keyboard is to begin with. */
  get #first() {
    return this.#panel.start.hidden ? this.#panel.field : this.#panel.start;
  }

  get #condition() {
    const { state, muted, voiced } = this.#session;
    if (state !== 'live' && (state !== 'resuming' || this.#late)) return state;
    if (this.#working.size > 0) return 'working';
    if (this.#speaking) return 'speaking';
    if (!voiced) return 'reading';
    if (!muted) return 'listening';
    return this.#agent.pushToTalk ? 'holding' : 'muted';
  }

  #listen() {
    const session = this.#session;
    session.addEventListener('state', ({ detail }) => this.#turnTo(detail));
    session.addEventListener('resumed', ({ detail: { contextLost } }) => {
      if (contextLost) tell(this.#panel.notice, this.#words.say('notice.forgotten'));
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
    session.addEventListener('sources', ({ detail }) => {
      loaded(import('./sources.js')).then(({ showSources }) => showSources(this.#log, this.#words, detail)).catch(this.#miss);
    });
  }

  /** @param {SessionEvents['state']} change */
  #turnTo({ state, previous, error }) {
    const { element, notice, status, left } = this.#panel;
    clearTimeout(this.#patience);
    this.#late = false;
    if (state === 'resuming') this.#patience = setTimeout(() => this.#mentionDelay(), PATIENCE_MS);
    else tell(notice, '');
    if (state !== 'live') {
      this.#working.clear();
      this.#speaking = false;
    }
    if (state === 'connecting') {
      this.#log.clear();
      element.querySelector('.rating')?.remove();
    }
    if (resting(state)) tell(left, '');
    if (error || state === 'connecting') this.#complain(error);
    this.refresh();
    const begun = state === 'live' && previous === 'connecting';
    // Who listens and who speaks can be heard; of the rest a screen reader tells.
    if (begun || state === 'connecting' || (state === 'closed' && !error)) this.#log.announce(status.textContent ?? '');
    if (begun) {
      if (this.#session.features?.video?.length) this.#letShow().catch(this.#miss);
      this.#picture.run();
      this.#countDown();
    }
    if (state === 'closed' && previous !== 'connecting' && this.#agent.rating) this.#askRating().catch(this.#miss);
  }

  #mentionDelay() {
    this.#late = true;
    tell(this.#panel.notice, this.#words.say('notice.resuming'));
    this.refresh();
  }

  /** Tells the time that is left, calmly: by the minute, and aloud once, a minute before the end. */
  #countDown() {
    const seconds = (this.#session.endsAt - performance.now()) / 1000;
    const live = underWay(this.#session.state);
    const known = live && Number.isFinite(seconds);
    const words = known ? this.#words.say('notice.left', { time: this.#words.span(Math.max(0, seconds)) }) : '';
    tell(this.#panel.left, words);
    if (known && Math.ceil(seconds) === LAST_MINUTE_S) this.#log.announce(words);
    if (live) setTimeout(() => this.#countDown(), 1000);
  }

  /** @param {LiveError | null} error a hang-up is none */
  #complain(error) {
    const { error: place, sentence: said, remedy: button, field } = this.#panel;
    place.hidden = error === null || error.code === 'hung-up';
    if (error === null || place.hidden) return;
    const wanted = remedy(error);
    const way = wanted === 'write' && this.#agent.input === 'voice' ? 'retry' : wanted;
    const act = { retry: () => this.#start(), write: () => field.focus(), dismiss: () => this.#first.focus() }[way];
    said.textContent = sentence(error, this.#words);
    button.textContent = this.#words.say(way);
    button.onclick = () => {
      act();
      place.hidden = true;
    };
  }

  #wire() {
    const panel = this.#panel;
    /** @type {[HTMLButtonElement, () => unknown][]} */
    const actions = [
      [panel.start, () => (resting(this.#session.state) ? this.#start() : this.#agent.stop())],
      [panel.mute, () => this.#agent.mute(!this.#session.muted)],
      [panel.voice, () => this.#try(() => this.#addVoice())],
      [panel.settings, () => this.#openSettings().catch(this.#miss)],
      [panel.collapse, () => (this.#agent.open = false)],
    ];
    for (const [button, act] of actions) button.addEventListener('click', act);
    compose(panel.composer, panel.field, (text) => this.#write(text));
    panel.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      if (panel.leave) panel.leave();
      else if (this.#agent.mode === 'inline') return;
      else this.#agent.open = false;
      event.preventDefault();
      event.stopPropagation(); // a dialog of the host's, around us, stays
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

  /** @param {string} text where nothing goes on, it begins a conversation without a microphone */
  async #write(text) {
    const { field } = this.#panel;
    if (resting(this.#session.state)) await this.#start(false);
    if (underWay(this.#session.state)) this.#session.sendText(text);
    else field.value = text;
  }

  /** @param {boolean} wanted whether a button is to be held to talk */
  async #letHold(wanted) {
    const { talk, start } = this.#panel;
    if (wanted && this.#hold === null) {
      const { PushToTalk } = await loaded(import('./push-to-talk.js'));
      this.#hold ??= new PushToTalk(this.#agent, talk);
    }
    this.#hold?.enable(!talk.hidden);
    // The space bar, pressed to talk, must not end what it has just begun.
    if (wanted && this.#agent.shadowRoot?.activeElement === start) talk.focus();
  }

  async #letShow() {
    const { Showing } = await loaded(import('./showing.js'));
    this.#showing ??= new Showing(this.#panel, this.#session, (action) => this.#try(action), this.chosen);
    this.translate(this.#words);
  }

  async #addVoice() {
    this.#session.muted = this.#agent.pushToTalk;
    await this.#session.useMicrophone(this.chosen.microphone || {});
    this.refresh();
  }

  /** @param {() => Promise<void>} action that asks for a device */
  async #try(action) {
    this.#complain(null);
    try {
      await action();
    } catch (error) {
      this.#complain(/** @type {LiveError} */ (error));
      this.#agent.tell('error', error);
    }
  }

  /**
   * Tells what is wrong with a part that was not needed until now: most likely it cannot be loaded, because there is no
   * network, or another release by now.
   * @param {unknown} cause
   */
  #miss = (cause) => {
    const error = asLiveError(cause);
    this.#complain(error);
    this.#agent.tell('error', error);
    return error;
  };

  async #openSettings() {
    const { Settings } = await loaded(import('./settings.js'));
    const settings = new Settings(this.#agent, this.#session, this.#words, this.chosen);
    settings.open(this.#panel, (action) => this.#try(action), async () => this.#showing?.again());
  }

  async #askRating() {
    const { askRating } = await loaded(import('./rating.js'));
    askRating(this.#panel, this.#words, (rating) => this.#agent.tell('rating', { rating }));
  }
}

/** @param {import('../live/session.js').State} state */
function underWay(state) {
  return state === 'live' || state === 'resuming';
}

/** @param {import('../live/session.js').State} state */
function resting(state) {
  return state === 'idle' || state === 'closed';
}
