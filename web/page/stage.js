/** The middle of the page: the main button, the state, the controls and the preview. */

import { block, button, element, setText } from './elements.js';

const COUNTDOWN_MS = 60_000;
// A renewal is too short to notice; only a longer pause is mentioned.
const PATIENCE_MS = 700;
// Speech rarely exceeds a quarter of full scale; without the square root the rings would hardly move.
const FULL_VOICE = 0.25;

/** Shows the session's state; read only. */
export class Stage {
  #session;
  #view = block('stage');
  #preview = element('preview', HTMLVideoElement);
  #level = element('level', HTMLMeterElement);
  #orb = /** @type {HTMLElement} */ (document.querySelector('.orb'));
  /** @type {Set<string>} */
  #tools = new Set();
  #speaking = false;
  #waiting = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patience;
  /** @type {'camera' | 'screen' | null} */
  #showing = null;

  /** @param {import('../live/session.js').LiveSession} session */
  constructor(session) {
    this.#session = session;
    session.addEventListener('state', ({ detail: { state, previous, error } }) => {
      document.body.dataset.state = state;
      clearTimeout(this.#patience);
      this.#waiting = false;
      if (state === 'resuming') this.#patience = setTimeout(() => this.#wait(), PATIENCE_MS);
      this.#tools.clear();
      this.#speaking = false;
      if (error || state === 'connecting') this.showError(error?.message ?? '');
      if (state !== 'resuming') setText(block('notice'), '');
      if (state === 'live' && previous === 'connecting') this.#animate();
      this.refresh();
    });
    session.addEventListener('resumed', ({ detail: { contextLost } }) => {
      if (contextLost) setText(block('notice'), 'We lost the connection. I no longer remember what we discussed.');
    });
    session.addEventListener('rebuilt', () => {
      setText(block('notice'), 'We lost the connection. I caught up from what was said.');
    });
    session.addEventListener('speaking', ({ detail: { speaking } }) => {
      this.#speaking = speaking;
      this.refresh();
    });
    session.addEventListener('tool', ({ detail: { id, status } }) => {
      if (status === 'running') this.#tools.add(id);
      else this.#tools.delete(id);
      this.refresh();
    });
    session.addEventListener('video', ({ detail }) => {
      this.#showing = detail?.kind ?? null;
      this.#preview.srcObject = detail?.stream ?? null;
      this.refresh();
    });
  }

  /** What is being shown: the camera, the screen, or null. */
  get showing() {
    return this.#showing;
  }

  open() {
    this.#view.hidden = false;
    this.showError('');
    this.refresh();
    button('talk').focus();
  }

  close() {
    document.body.dataset.state = 'idle';
    this.#view.hidden = true;
  }

  /** @param {string} sentence empty for none */
  showError(sentence) {
    setText(block('error'), sentence);
  }

  #wait() {
    this.#waiting = true;
    this.refresh();
  }

  refresh() {
    const { state, features, muted, voiced } = this.#session;
    const live = isLive(state);
    const resting = state === 'idle' || state === 'closed';
    const focused = document.activeElement;
    element('talk-icon', SVGUseElement).setAttribute('href', resting ? '#icon-talk' : '#icon-hang-up');
    block('talk-label').textContent = resting ? (state === 'idle' ? 'Start talking' : 'New conversation') : live ? 'End' : 'Cancel';
    block('status').textContent = this.#statusText();
    block('type-only').hidden = !resting;
    block('controls').hidden = !live;
    block('level-row').hidden = !live || !voiced;
    button('mute').hidden = !voiced;
    button('mute').setAttribute('aria-pressed', String(muted));
    for (const kind of /** @type {const} */ (['camera', 'screen'])) {
      button(kind).hidden = !features?.video?.includes(kind) || !offered(kind);
      button(kind).setAttribute('aria-pressed', String(this.#showing === kind));
    }
    this.#preview.hidden = this.#showing === null;
    // If the focused element is hidden now, the focus must not go back to the top of the page.
    if (focused !== document.activeElement) button('talk').focus();
  }

  #statusText() {
    const { state, muted, voiced } = this.#session;
    if (state === 'idle') return '';
    if (state === 'connecting') return 'Connecting…';
    if (this.#waiting) return 'Reconnecting… Keep talking, nothing is lost.';
    if (state === 'closed') return 'The conversation has ended.';
    if (this.#tools.size > 0) return 'Working…';
    if (this.#speaking) return 'Speaking';
    if (!voiced) return 'Ready for your message';
    return muted ? 'Muted' : 'Listening';
  }

  /** Draws the levels and the time left. */
  #animate() {
    const { state, levels, endsAt } = this.#session;
    const live = isLive(state);
    const [voice, answer] = [levels.microphone, levels.speaker].map((level) => Math.sqrt(Math.min(1, level / FULL_VOICE)));
    this.#level.value = voice;
    this.#orb.style.setProperty('--voice', voice.toFixed(3));
    this.#orb.style.setProperty('--answer', answer.toFixed(3));
    const left = endsAt - performance.now();
    const soon = live && left < COUNTDOWN_MS;
    const seconds = Math.max(0, Math.ceil(left / 1000));
    const sentence = soon ? `This conversation ends in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.` : '';
    if (block('time-left').textContent !== sentence) setText(block('time-left'), sentence);
    if (live) requestAnimationFrame(() => this.#animate());
  }
}

/** @param {import('../live/session.js').State} state */
function isLive(state) {
  return state === 'live' || state === 'resuming';
}

/** @param {'camera' | 'screen'} kind */
function offered(kind) {
  // Phones have no getDisplayMedia. An insecure page has neither; its button stays, and reports why it cannot.
  return kind === 'camera' || !globalThis.isSecureContext || 'getDisplayMedia' in navigator.mediaDevices;
}
