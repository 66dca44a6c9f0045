/** `<live-agent>`: a conversation with a voice agent, in any page. */

import { Facade } from './facade.js';

/** @typedef {import('../live/session.js').LiveSession} LiveSession */
/** @typedef {import('../live/connection/token-source.js').GetCredential} GetCredential */
/** @typedef {import('./view.js').View} View */
/** @typedef {import('./words.js').Strings} Strings */

/** The session's events that are forwarded to the host, with their names and details. */
const FORWARDED = /** @type {const} */ ([
  'state', 'transcript', 'speaking', 'interrupted', 'resumed', 'rebuilt', 'tool', 'tools', 'video', 'sources', 'usage', 'timing',
  'devices',
]);

/** The service's address, from that of this module; a release has a folder of its own below it. */
const HOME = new URL(new URL('..', import.meta.url).href.replace(/assets\/[^/]+\/$/, ''));

/** Attributes in, events out; only a button until it is used. */
export class LiveAgent extends HTMLElement {
  static observedAttributes = ['open', 'mode', 'lang', 'input', 'push-to-talk'];

  /**
   * @param {string} [tag]
   * @param {CustomElementRegistry} [registry]
   */
  static define(tag = 'live-agent', registry = customElements) {
    // A page may load the widget twice, from two places; the first definition stays.
    if (!registry.get(tag)) registry.define(tag, this);
    return this;
  }

  #facade = new Facade(this.attachShadow({ mode: 'open' }));
  /** @type {Promise<LiveSession> | undefined} */
  #loading;
  /** @type {LiveSession | null} */
  #session = null;
  /** @type {View | null} */
  #view = null;
  /** @type {Map<string, Parameters<LiveSession['handleTool']>>} */
  #tools = new Map();
  /** @type {GetCredential | null} */
  #getCredential = null;
  /** @type {Record<string, string>} */
  #options = {};
  /** @type {Strings} */
  #strings = {};

  constructor() {
    super();
    const { launcher } = this.#facade;
    for (const sign of ['pointerenter', 'focus', 'touchstart']) launcher.addEventListener(sign, () => this.warm(), { passive: true });
    launcher.addEventListener('click', () => (this.open = true));
  }

  connectedCallback() {
    this.#upgradeProperties();
    this.#translate();
    this.#update();
  }

  disconnectedCallback() {
    // A move removes and inserts an element within one task; only an element that stays out was removed.
    setTimeout(async () => {
      if (!this.isConnected) await this.#loading?.then((session) => session.close(), () => {});
    });
  }

  /** Its presence lets `moveBefore()` move the element without removing it. */
  connectedMoveCallback() {}

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (!this.isConnected) return;
    if (name === 'lang') this.#translate();
    else this.#update();
    if (name === 'open') this.emit('toggle', { open: this.open });
  }

  /** The service's profile. */
  get profile() {
    return this.getAttribute('profile') ?? 'default';
  }

  set profile(profile) {
    this.setAttribute('profile', profile);
  }

  /** @returns {'floating' | 'inline' | 'headless'} */
  get mode() {
    const mode = this.getAttribute('mode');
    return mode === 'inline' || mode === 'headless' ? mode : 'floating';
  }

  set mode(mode) {
    this.setAttribute('mode', mode);
  }

  /** Where it floats: `bottom-end`, `bottom-start`, `top-end` or `top-start`. */
  get corner() {
    return this.getAttribute('corner') ?? 'bottom-end';
  }

  set corner(corner) {
    this.setAttribute('corner', corner);
  }

  /** @returns {'voice' | 'text' | 'both'} what a person may use */
  get input() {
    const input = this.getAttribute('input');
    return input === 'voice' || input === 'text' ? input : 'both';
  }

  set input(input) {
    this.setAttribute('input', input);
  }

  get pushToTalk() {
    return this.hasAttribute('push-to-talk');
  }

  set pushToTalk(wanted) {
    this.toggleAttribute('push-to-talk', Boolean(wanted));
  }

  get open() {
    return this.hasAttribute('open');
  }

  set open(open) {
    this.toggleAttribute('open', Boolean(open));
  }

  /** The service's absolute address; by default the one that the widget was loaded from. */
  get service() {
    const address = this.getAttribute('service');
    return address === null ? HOME.href : new URL(address.replace(/\/?$/, '/'), document.baseURI).href;
  }

  set service(address) {
    this.setAttribute('service', address);
  }

  /** What a person has to agree to first: null for nothing, empty for the built-in text. */
  get consent() {
    return this.getAttribute('consent');
  }

  set consent(text) {
    if (text === null) this.removeAttribute('consent');
    else this.setAttribute('consent', text);
  }

  /** Whether to ask for a rating at the end. */
  get rating() {
    return this.hasAttribute('rating');
  }

  set rating(wanted) {
    this.toggleAttribute('rating', Boolean(wanted));
  }

  /** Returns a JWT of the site; without it a visitor is a guest. */
  get getCredential() {
    return this.#getCredential;
  }

  set getCredential(getCredential) {
    this.#getCredential = getCredential;
  }

  /** The chosen values of the profile's options. */
  get options() {
    return this.#options;
  }

  set options(options) {
    this.#options = { ...options };
  }

  /** Strings that replace the built-in ones, by their keys. */
  get strings() {
    return this.#strings;
  }

  set strings(strings) {
    this.#strings = { ...strings };
    if (this.isConnected) this.#translate();
  }

  get state() {
    return this.#session?.state ?? 'idle';
  }

  /** The underlying session, for a headless host; null until `warm()` or `start()` has loaded it. */
  get session() {
    return this.#session;
  }

  /** Loads what a conversation needs and opens a connection to the service; mints nothing. */
  async warm() {
    try {
      const [session] = await Promise.all([this.#load(), this.mode === 'headless' || this.#loadView()]);
      await session.warm();
    } catch {
      // start() will report it.
    }
  }

  /**
   * Starts a conversation; call it in a user gesture.
   * @param {{microphone?: boolean}} [wish] `microphone: false` to type only
   * @returns {Promise<void>} at `live`
   * @throws {import('../live/errors.js').LiveError}
   */
  async start({ microphone = this.input !== 'text' } = {}) {
    // Awaits nothing that is loaded already: some browsers allow sound only in the gesture's own task.
    const session = this.#session ?? (await this.#load());
    const view = this.mode === 'headless' ? null : (this.#view ?? (await this.#loadView()));
    if (view) this.open = true;
    if (view && this.consent !== null) await view.askConsent();
    // It may have been removed from the page meanwhile.
    if (!this.isConnected) throw (await import('../live/errors.js')).hungUp();
    const chosen = view?.chosen.microphone;
    session.muted = microphone && this.pushToTalk;
    await session.start({
      profile: this.profile,
      options: this.options,
      microphone: microphone && (chosen ? { deviceId: { exact: chosen } } : true),
      speaker: view?.chosen.speaker || undefined,
    });
  }

  stop() {
    this.#session?.close();
  }

  /** @param {boolean} [muted] */
  mute(muted = true) {
    if (!this.#session) return;
    this.#session.muted = muted;
    this.#view?.refresh();
  }

  /**
   * @param {string} text
   * @throws {import('../live/errors.js').LiveError} `not-live`
   */
  async sendText(text) {
    (await this.#load()).sendText(text);
  }

  /**
   * Sets the handler of a tool that the profile declares; may be called at any time.
   * @param {Parameters<LiveSession['handleTool']>} tool the arguments of the session's `handleTool`
   */
  handleTool(...tool) {
    this.#tools.set(tool[0], tool);
    this.#session?.handleTool(...tool);
  }

  /**
   * Dispatches an event to the host.
   * @param {string} type
   * @param {unknown} detail
   */
  emit(type, detail) {
    // An error does not bubble, as in the platform: at the window it would count as an error of the page.
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: type !== 'error', composed: true }));
  }

  /** @returns {Promise<LiveSession>} */
  #load() {
    this.#loading ??= this.#assemble().catch((cause) => {
      this.#loading = undefined;
      throw cause;
    });
    return this.#loading;
  }

  async #assemble() {
    const { LiveSession } = await import('../live/session.js');
    const session = new LiveSession({
      token: new URL('token', this.service),
      getCredential: (situation) => this.#getCredential?.(situation) ?? null,
    });
    for (const tool of this.#tools.values()) session.handleTool(...tool);
    for (const type of FORWARDED) session.addEventListener(type, ({ detail }) => this.emit(type, detail));
    session.addEventListener('state', ({ detail: { state, error } }) => {
      this.#facade.frame.dataset.state = state;
      if (error) this.emit('error', error);
    });
    this.#session = session;
    return session;
  }

  async #loadView() {
    const [session, { View }, words] = await Promise.all([this.#load(), import('./view.js'), this.#words()]);
    this.#view ??= new View(this, session, words, this.#facade);
    return this.#view;
  }

  async #update() {
    if (this.mode === 'headless') return;
    const { launcher } = this.#facade;
    const focused = this.shadowRoot?.activeElement === launcher;
    if (this.open && !this.#view) {
      launcher.ariaBusy = 'true';
      try {
        await this.#loadView();
      } catch (cause) {
        const { unreachable } = this.#facade;
        this.#facade.setLabel(unreachable);
        this.open = false;
        // Shaped like a LiveError, whose module could not be loaded either.
        this.emit('error', Object.assign(new Error(unreachable, { cause }), { code: 'page-incomplete', retryable: true }));
      }
      launcher.ariaBusy = null;
    }
    this.#view?.show(this.open, focused);
  }

  async #translate() {
    this.#facade.translate(this.#language, this.#strings);
    if (this.#view) this.#view.translate(await this.#words());
  }

  async #words() {
    const { Words } = await import('./words.js');
    return Words.load(this.#language, this.#strings);
  }

  /** The nearest `lang`, also outside of shadow roots, or the browser's language. */
  get #language() {
    for (let at = /** @type {Element | undefined} */ (this); at; at = /** @type {ShadowRoot} */ (at.getRootNode()).host) {
      const tag = at.closest('[lang]')?.getAttribute('lang');
      if (tag) return tag;
    }
    return navigator.language;
  }

  /** Applies properties that a host set before the element was upgraded. */
  #upgradeProperties() {
    for (const name of Object.keys(this).filter((own) => own in LiveAgent.prototype)) {
      const early = Reflect.get(this, name);
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, early);
    }
  }
}
