/** The panel's behavior: shows the session, and handles the person's input. */

import { asLiveError, importOrFail } from '../live/errors.js';
import { compose, keepKeys } from './composer.js';
import { setText } from './dom.js';
import { Log, Panel, Visualizer } from './panel.js';
import { STYLES } from './styles.js';
import { hasMessageFor, messageFor, remedy, seenBy } from './words.js';

/** @typedef {import('../live/errors.js').LiveError} LiveError */
/** @typedef {import('../live/session.js').SessionEvents} SessionEvents */
/** @typedef {import('./words.js').Words} Words */

// A renewal is too short to notice; only a longer pause is mentioned.
const PATIENCE_MS = 700;
const LAST_MINUTES_MS = 300_000;

/** Shows the session's state; the person's input calls the element's public methods, as a host would. */
export class View {
  /** @type {import('./settings.js').Chosen} */
  chosen = { microphone: '', speaker: '', camera: '' };
  #agent;
  #session;
  #words;
  #facade;
  #log = new Log();
  #visualizer;
  #panel;
  /** @type {import('./push-to-talk.js').PushToTalk | null} */
  #pushToTalk = null;
  /** @type {Set<string>} */
  #working = new Set();
  #speaking = false;
  /** The volume before the sound was turned off here; 0 if it was not. */
  #loudness = 0;
  /** The one that is shown. @type {LiveError | null} */
  #error = null;
  /** What the person is asked to confirm. @type {SessionEvents['question']} */
  #asked = null;
  /** Whether the model works on after its turn. */
  #thinking = false;
  /** Whether this conversation was ever live. */
  #begun = false;
  /** @type {import('../live/media/audio-devices.js').InUse | null} */
  #microphone = null;
  /** @type {Promise<void> | null} */
  #consent = null;
  /** @type {import('./showing.js').Showing | null} */
  #showing = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patience;
  /** What was typed while connecting: put back if that fails. */
  #unsent = '';
  /** Whether the next frame refreshes. */
  #stale = false;
  /** Whether reconnecting takes long enough to be mentioned. */
  #late = false;
  /** The suggestions that are shown. */
  #suggested = '';

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
    this.#visualizer = new Visualizer(session);
    this.#panel = new Panel(this.#visualizer.element, this.#log);
    facade.adopt(this.#panel.element, STYLES);
    this.#listen();
    this.#wire();
    this.translate(words);
    if (agent.consentDays) this.#recallConsent().catch(() => {});
  }

  /** @param {Words} words */
  translate(words) {
    this.#words = words;
    this.#panel.translate(words);
    this.refresh();
  }

  /**
   * Opens the panel, or minimizes it to the button; a conversation continues either way.
   * @param {boolean} open
   * @param {boolean} focused whether the button had the focus, so that it moves into the panel
   */
  show(open, focused) {
    const { element, header, collapse } = this.#panel;
    const inside = element.contains(this.#agent.shadowRoot?.activeElement ?? null);
    const inline = this.#agent.mode === 'inline';
    element.hidden = !open;
    element.role = inline ? 'region' : 'dialog';
    collapse.hidden = inline;
    this.#facade.lendAvatar(open ? header : null);
    this.refresh();
    if (open && focused) this.#first.focus();
    if (!open && inside) this.#facade.launcher.focus();
    if (open) this.#visualizer.run();
  }

  /**
   * @returns {Promise<void>} once the person has agreed, now or before
   * @throws {LiveError} `hung-up` if they decline, `page-incomplete`
   */
  askConsent() {
    this.#consent ??= importOrFail(import('./consent.js'))
      .then(({ ask }) => ask(this.#panel, this.#words, this.#agent))
      .catch((error) => {
        this.#consent = null;
        if (error.code !== 'hung-up') this.#partFailed(error);
        throw error;
      });
    return this.#consent;
  }

  /** Before the start, which then keeps its user gesture. */
  async #recallConsent() {
    const { remembered } = await import('./consent.js');
    if (remembered(this.#agent)) this.#consent ??= Promise.resolve();
  }

  /** @param {boolean} silent whether the next conversation begins without sound; if not, a volume of 0 that a host set stays */
  begin(silent) {
    if (isIdle(this.#session.state) && (silent || this.#loudness)) this.silence(silent);
  }

  /** @param {boolean} silent whether answers are only read */
  silence(silent) {
    const { volume } = this.#session;
    this.#session.volume = silent ? 0 : volume || this.#loudness || 1;
    this.#loudness = silent ? volume || this.#loudness : 0;
    this.refresh();
  }

  refresh() {
    const { state, features, muted, voiced, volume } = this.#session;
    const { input, pushToTalk, open, greeting, suggestions } = this.#agent;
    const panel = this.#panel;
    const live = isLive(state);
    const focused = /** @type {HTMLElement | null} */ (this.#agent.shadowRoot?.activeElement);
    panel.offer(isIdle(state) ? (this.#begun ? 'again' : 'start') : live ? 'end' : 'cancel', this.#words);
    panel.start.hidden = isIdle(state) && input === 'text';
    panel.composer.hidden = input === 'voice' || features?.text === false;
    panel.voice.hidden = !live || voiced || input === 'text';
    panel.mute.hidden = !voiced || pushToTalk;
    panel.mute.ariaPressed = String(muted);
    panel.silence.hidden = !live || input === 'text';
    panel.silence.ariaPressed = String(volume === 0);
    panel.talk.hidden = !voiced || !pushToTalk;
    this.#updatePushToTalk(!panel.talk.hidden).catch(this.#partFailed);
    this.#showing?.refresh(live, this.#words);
    const inviting = isIdle(state) && !this.#begun;
    setText(panel.greeting, inviting ? greeting || this.#words.text('greeting') : '');
    setText(panel.privacy, inviting ? this.#words.text('privacy') : '');
    if (this.#suggested !== suggestions) this.#suggest(suggestions).catch(this.#partFailed);
    const condition = this.#condition;
    setText(panel.status, this.#words.text(condition === 'holding' ? 'talk' : `state.${condition}`));
    this.#facade.setLabel(live ? this.#words.text('ongoing') : '');
    // Without that file the button says only that there is a conversation.
    if (live && !open) {
      const silenced = () => this.#microphone?.muted;
      import('./minimized.js').then(({ sign }) => sign(this.#agent, this.#facade.launcher, this.#words, silenced)).catch(() => {});
    }
    // If the focused element is hidden now, the focus must not go back to the top of the page.
    if (focused?.checkVisibility() === false) this.#first.focus();
  }

  /** Once for all events before the next frame. */
  #refreshSoon() {
    if (this.#stale) return;
    this.#stale = true;
    requestAnimationFrame(() => {
      this.#stale = false;
      this.refresh();
    });
  }

  /** The first element for the keyboard. */
  get #first() {
    return this.#panel.start.hidden ? this.#panel.field : this.#panel.start;
  }

  get #condition() {
    const { state, muted, voiced, listening, volume } = this.#session;
    if (state === 'closed' && !this.#begun) return 'idle';
    if (state === 'connecting' && listening) return 'listening';
    if (state !== 'live' && (state !== 'resuming' || this.#late)) return state;
    if (this.#working.size > 0) return 'working';
    if (this.#speaking && volume > 0) return 'speaking';
    if (this.#thinking) return 'working';
    const last = this.#session.transcript.at(-1);
    if (!(voiced && volume) && last?.side === 'agent' && !last.final) return 'answering';
    if (!voiced) return 'reading';
    if (!muted) return this.#microphone?.muted ? 'silenced' : 'listening';
    return this.#agent.pushToTalk ? 'holding' : 'muted';
  }

  #listen() {
    const session = this.#session;
    session.on('state', (change) => this.#stateChanged(change));
    session.on('resumed', ({ contextLost }) => {
      if (contextLost) this.#tellLost('notice.forgotten');
    });
    session.on('rebuilt', () => this.#tellLost('notice.rebuilt'));
    session.on('listening', () => this.refresh());
    session.on('speaking', ({ speaking }) => {
      this.#speaking = speaking;
      this.#refreshSoon();
    });
    session.on('transcript', (utterance) => {
      this.#log.show(utterance, this.#words);
      this.#refreshSoon();
    });
    session.on('tool', (progress) => {
      if (progress.status === 'running') this.#working.add(progress.id);
      else this.#working.delete(progress.id);
      const { label } = session.features?.tools?.find(({ name }) => name === progress.name) ?? {};
      this.#log.progress(progress, this.#words, label);
      this.#refreshSoon();
    });
    session.on('question', (asked) => {
      this.#asked = asked;
      importOrFail(import('./question.js'))
        .then(({ showQuestion }) => showQuestion(this.#panel, this.#log, this.#words, asked, () => this.#asked === asked))
        .catch(this.#partFailed);
    });
    session.on('sources', (found) => {
      importOrFail(import('./sources.js'))
        .then(({ showSources }) => showSources(this.#log, this.#words, found, this.#agent.service))
        .catch(this.#partFailed);
    });
    session.on('stopped', (stop) => {
      importOrFail(import('./stopped.js')).then(({ showStop }) => showStop(this.#log, this.#words, stop)).catch(this.#partFailed);
    });
    session.on('working', ({ working }) => {
      this.#thinking = working;
      this.#refreshSoon();
    });
    session.on('microphone', (device) => this.#tellMicrophone(device).catch(this.#partFailed));
  }

  /** @param {import('../live/media/audio-devices.js').InUse} device which may not be the one that was chosen */
  async #tellMicrophone(device) {
    const expected = this.chosen.microphone || this.#microphone?.id || device.id;
    this.#microphone = device;
    this.refresh();
    if (device.id === expected) return;
    const words = await this.#rareWords();
    this.#log.note('microphone', 'microphone', words.text('notice.microphone', { name: device.label }));
  }

  /** @param {string} key of what was lost with the connection */
  #tellLost(key) {
    this.#rareWords().then((words) => setText(this.#panel.notice, words.text(key)), this.#partFailed);
  }

  async #rareWords() {
    const { rareWords } = await importOrFail(import('./rare-words.js'));
    return rareWords(this.#words);
  }

  /** @param {SessionEvents['state']} change */
  #stateChanged({ state, previous, error }) {
    const { element, field, notice, status, left } = this.#panel;
    clearTimeout(this.#patience);
    this.#late = false;
    if (state === 'resuming') this.#patience = setTimeout(() => this.#mentionDelay(), PATIENCE_MS);
    else setText(notice, '');
    if (state !== 'live') {
      this.#working.clear();
      this.#speaking = false;
    }
    if (state === 'connecting') {
      this.#begun = false;
      this.#thinking = false;
      this.#log.clear();
      element.querySelector('.rating')?.remove();
    }
    if (state === 'live') this.#begun = true;
    if (isIdle(state)) {
      setText(left, '');
      field.value ||= this.#unsent;
    }
    if (state !== 'connecting') this.#unsent = '';
    if (error || state === 'connecting') this.#showError(error);
    this.refresh();
    const begun = state === 'live' && previous === 'connecting';
    // Listening and speaking can be heard; the other states are announced to screen readers.
    if (begun || state === 'connecting' || (state === 'closed' && !error)) this.#log.announce(status.textContent ?? '');
    if (begun) {
      if (this.#session.features?.video?.length) this.#addVideo().catch(this.#partFailed);
      this.#visualizer.run();
      this.#countDown();
    }
    if (state === 'closed' && previous !== 'connecting' && this.#agent.rating) this.#askRating().catch(this.#partFailed);
  }

  #mentionDelay() {
    this.#late = true;
    setText(this.#panel.notice, this.#words.text('notice.resuming'));
    this.refresh();
  }

  /** Shows the time left in the last minutes. */
  #countDown() {
    const session = this.#session;
    const { left } = this.#panel;
    if (!isLive(session.state)) return;
    if (session.endsAt - performance.now() > LAST_MINUTES_MS) setText(left, '');
    else import('./time-left.js').then(({ showTimeLeft }) => showTimeLeft(left, this.#log, this.#words, session)).catch(() => {});
    setTimeout(() => this.#countDown(), 1000);
  }

  /** @param {LiveError | null} cause null, or a hang-up, for none */
  #showError(cause) {
    const { error: box } = this.#panel;
    this.#error = cause;
    if (cause === null || cause.code === 'hung-up') {
      box.hidden = true;
      return;
    }
    const error = seenBy(cause, this.#agent.getCredential === null);
    const show = (/** @type {Words} */ words) => this.#error === cause && this.#explain(error, words);
    if (hasMessageFor(error, this.#words)) show(this.#words);
    else this.#rareWords().then(show, () => show(this.#words));
  }

  /** @param {LiveError} error @param {Words} words */
  #explain(error, words) {
    const { error: box, sentence, remedy: button, field } = this.#panel;
    const wanted = remedy(error);
    const way = wanted === 'write' && this.#agent.input === 'voice' ? 'retry' : wanted;
    const act = { retry: () => this.#start(), write: () => field.focus(), dismiss: () => this.#first.focus() }[way];
    box.hidden = false;
    sentence.textContent = messageFor(error, words);
    button.textContent = words.text(way);
    button.onclick = () => {
      act();
      box.hidden = true;
    };
  }

  #wire() {
    const panel = this.#panel;
    /** @type {[HTMLButtonElement, () => unknown][]} */
    const actions = [
      [panel.start, () => (isIdle(this.#session.state) ? this.#start() : this.#agent.stop())],
      [panel.mute, () => this.#agent.mute(!this.#session.muted)],
      [panel.silence, () => this.silence(this.#session.volume > 0)],
      [panel.voice, () => this.#try(() => this.#addVoice())],
      [panel.settings, () => this.#openSettings().catch(this.#partFailed)],
      [panel.collapse, () => (this.#agent.open = false)],
    ];
    for (const [button, act] of actions) button.addEventListener('click', act);
    keepKeys(panel.element);
    compose(panel.composer, panel.field, (text) => this.#sendText(text));
    panel.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      if (panel.leave) panel.leave();
      else if (this.#agent.mode === 'inline') return;
      else this.#agent.open = false;
      event.preventDefault();
      event.stopPropagation(); // keeps a dialog of the host open
    });
  }

  /** @param {boolean} [microphone] */
  async #start(microphone) {
    try {
      await this.#agent.start({ microphone });
    } catch {
      // The state event has reported it.
    }
  }

  /** @param {string} suggestions */
  async #suggest(suggestions) {
    this.#suggested = suggestions;
    const { showPrompts } = await importOrFail(import('./prompts.js'));
    showPrompts(this.#panel.greeting, this.#suggested, (text) => this.#sendText(text));
  }

  /** @param {string} text starts a conversation if there is none: without a microphone, unless one can only speak */
  async #sendText(text) {
    const { field } = this.#panel;
    if (isIdle(this.#session.state)) await this.#start(this.#agent.input === 'voice');
    const { state } = this.#session;
    if (state === 'connecting') this.#unsent = text;
    if (isIdle(state)) field.value = text;
    else this.#session.sendText(text);
  }

  /** @param {boolean} wanted whether push to talk is in use */
  async #updatePushToTalk(wanted) {
    const { talk, start } = this.#panel;
    if (wanted && this.#pushToTalk === null) {
      const { PushToTalk } = await importOrFail(import('./push-to-talk.js'));
      this.#pushToTalk ??= new PushToTalk(this.#agent, talk);
    }
    this.#pushToTalk?.enable(!talk.hidden);
    // The space bar, pressed to talk, must not press the button that ends the conversation.
    if (wanted && this.#agent.shadowRoot?.activeElement === start) talk.focus();
  }

  async #addVideo() {
    const { Showing } = await importOrFail(import('./showing.js'));
    this.#showing ??= new Showing(this.#panel, this.#session, (action) => this.#try(action), this.chosen);
    this.translate(this.#words);
  }

  async #addVoice() {
    if (this.#agent.pushToTalk) this.#session.muted = true;
    await this.#session.useMicrophone(this.chosen.microphone || {});
    if (this.#loudness) this.silence(false);
    this.refresh();
  }

  /** @param {() => Promise<void>} action that opens a device */
  async #try(action) {
    this.#showError(null);
    try {
      await action();
    } catch (error) {
      this.#showError(/** @type {LiveError} */ (error));
      this.#agent.emit('error', error);
    }
  }

  /**
   * Reports that a part could not be loaded on demand, most likely because there is no network, or because the service
   * has another release by now.
   * @param {unknown} cause
   */
  #partFailed = (cause) => {
    const error = asLiveError(cause);
    this.#showError(error);
    this.#agent.emit('error', error);
    return error;
  };

  async #openSettings() {
    const { Settings } = await importOrFail(import('./settings.js'));
    const settings = new Settings(this.#agent, this.#session, this.#words, this.chosen);
    await settings.open(this.#panel, (action) => this.#try(action), async () => this.#showing?.again());
    this.refresh(); // the volume
  }

  async #askRating() {
    const { askRating } = await importOrFail(import('./rating.js'));
    await askRating(this.#panel, this.#words, (rating) => {
      this.#session.rate(rating);
      this.#agent.emit('rating', { rating });
    });
  }
}

/** @param {import('../live/session.js').State} state */
function isLive(state) {
  return state === 'live' || state === 'resuming';
}

/** @param {import('../live/session.js').State} state */
function isIdle(state) {
  return state === 'idle' || state === 'closed';
}
