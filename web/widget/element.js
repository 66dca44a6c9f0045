/** `<live-agent>`: a conversation with a voice agent, in any page. */

import { addStyles } from './dom.js';
import { Facade } from './facade.js';

/** @typedef {import('../live/session.js').LiveSession} LiveSession */
/** @typedef {import('../live/connection/token-source.js').GetCredential} GetCredential */
/** @typedef {import('./view.js').View} View */
/** @typedef {import('./words.js').Strings} Strings */

/**
 * The properties that are attributes, and the values of each: the first one is the default; others, if any, are all that
 * there are.
 * @type {Record<keyof import('./tags.js').LiveAgentReflected, (string | boolean | null)[]>}
 */
const REFLECTED = {
  profile: ['default'],
  mode: ['floating', 'inline', 'headless'],
  corner: ['bottom-end'],
  input: ['both', 'voice', 'text'],
  theme: ['auto', 'light', 'dark'],
  pushToTalk: [false],
  open: [false],
  consent: [null],
  consentDays: [''],
  rating: [false],
  keep: [''],
  greeting: [''],
  suggestions: [''],
  languages: [''],
};

/** A server that renders pages may import this module, but has no elements. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/** Attributes in, events out; only a button until it is used. */
export class LiveAgent extends Base {
  static observedAttributes = ['open', 'mode', 'lang', 'input', 'push-to-talk', 'keep', 'greeting', 'suggestions'];
  /** The service's address: the service serves this module, and a release has a folder of its own below it. */
  static defaultService = import.meta.url?.replace(/(assets\/[^/]+\/)?widget\/element\.js$/, '');

  /**
   * @param {string} [tag]
   * @param {CustomElementRegistry} [registry]
   */
  static define(tag = 'live-agent', registry = globalThis.customElements) {
    // A page may load the widget twice, from two places; the first definition stays.
    if (registry && !registry.get(tag)) registry.define(tag, this);
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
  /** @type {Record<string, unknown> | string | null} */
  #context = null;
  /** Set before there is a session. */
  #muted = false;
  /** @type {import('./keep.js').Keeper | null} */
  #keeper = null;
  /** @type {Promise<void> | undefined} */
  #keeping;

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

  adoptedCallback() {
    if (this.shadowRoot) addStyles(this.shadowRoot);
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (value === before || !this.isConnected) return;
    if (name === 'lang') this.#translate();
    else this.#update();
    if (name === 'open') this.emit('toggle', { open: this.open });
  }

  /** The service's absolute address; by default the one that the widget was loaded from. */
  get service() {
    const address = this.getAttribute('service') ?? LiveAgent.defaultService;
    return new URL(address.replace(/\/?$/, '/'), this.baseURI).href;
  }

  set service(address) {
    reflect(this, 'service', address);
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

  /** What the agent is to know of the page: as JSON, or as text. */
  get context() {
    return this.#context;
  }

  set context(context) {
    this.#context = context;
    if (this.#session) this.#share(this.#session);
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
    const continues = this.#keeper?.left;
    if (view && !continues) this.open = true;
    if (view && !continues && this.consent !== null) await view.askConsent();
    // It may have been removed from the page meanwhile.
    if (!this.isConnected) throw (await import('../live/errors.js')).hungUp();
    const { microphone: chosen, speaker } = view?.chosen ?? {};
    // Who types wants to read, and can turn the sound on.
    view?.begin(continues?.silent ?? !microphone);
    // Nobody else unmutes a person.
    if (microphone && this.pushToTalk) session.muted = true;
    await session.start({
      profile: this.profile,
      options: this.options,
      continues,
      microphone: microphone && (chosen ? { deviceId: { exact: chosen } } : true),
      speaker: (microphone || this.input !== 'text') && (speaker || undefined),
    });
  }

  stop() {
    this.#session?.close();
  }

  /** @param {boolean} [muted] */
  mute(muted = true) {
    this.#muted = muted;
    if (this.#session) this.#session.muted = muted;
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
   * Dispatches an event to the host, as `live-agent-` and its type: they bubble, and must not be taken for others' there.
   * @param {string} type
   * @param {unknown} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(`live-agent-${type}`, { detail, bubbles: true, composed: true }));
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
    const agent = this;
    const session = new (class extends LiveSession {
      /** @override @type {LiveSession['emit']} */
      emit(type, detail) {
        super.emit(type, detail);
        if (type !== 'change') agent.emit(type, detail);
      }
    })({
      token: new URL('token', this.service),
      getCredential: (situation) => this.#getCredential?.(situation) ?? null,
    });
    session.muted = this.#muted;
    for (const tool of this.#tools.values()) session.handleTool(...tool);
    if (this.#context) await this.#share(session);
    session.on('state', ({ state, error }) => {
      this.#facade.frame.dataset.state = state;
      if (error) this.emit('error', error);
    });
    this.#session = session;
    return session;
  }

  /** @param {LiveSession} session */
  async #share(session) {
    const { share } = await import('./page-context.js');
    share(session, () => this.#context);
  }

  async #loadView() {
    const [session, { View }, words] = await Promise.all([this.#load(), import('./view.js'), this.#words()]);
    this.#view ??= new View(this, session, words, this.#facade);
    return this.#view;
  }

  async #keep() {
    const { Keeper } = await import('./keep.js');
    this.#keeper = new Keeper(this);
    await this.#keeper.run();
  }

  async #update() {
    // Without that file a conversation ends with its page.
    if (this.keep === 'session') this.#keeping ??= this.#keep().catch(() => {});
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
    // Without its file a language stays as it was.
    const words = this.#view && (await this.#words().catch(() => null));
    if (words) this.#view?.translate(words);
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
    /** @type {any} */
    const own = this;
    for (const [name, early] of Object.entries(own)) {
      if (!(name in LiveAgent.prototype)) continue;
      delete own[name];
      own[name] = early;
    }
  }
}

/**
 * @param {LiveAgent} agent
 * @param {string} attribute
 * @param {unknown} value undefined, null and false remove it
 */
function reflect(agent, attribute, value) {
  if (!value && value !== '') agent.removeAttribute(attribute);
  else agent.setAttribute(attribute, value === true ? '' : [value].flat().join('|'));
}

for (const [property, [usual, ...others]] of Object.entries(REFLECTED)) {
  const attribute = property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  Object.defineProperty(LiveAgent.prototype, property, {
    /** @this {LiveAgent} */
    get() {
      const value = this.getAttribute(attribute);
      if (usual === false) return value !== null;
      return value === null || (others[0] && !others.includes(value)) ? usual : value;
    },
    /** @this {LiveAgent} @param {unknown} value */
    set(value) {
      reflect(this, attribute, value);
    },
    enumerable: true,
    configurable: true,
  });
}
