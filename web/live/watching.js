/** How a page watches a session: events with typed details, and a snapshot that is replaced at each change. */

/**
 * @template {Record<string, unknown>} Details
 * @typedef {<Type extends keyof Details & string>(type: Type, detail: Details[Type]) => void} Emit
 */

/** @template {Record<string, unknown>} Details the detail of each event, by its type */
export class TypedEvents extends EventTarget {
  /**
   * @template {keyof Details & string} Type
   * @override
   * @param {Type} type
   * @param {((event: CustomEvent<Details[Type]>) => void) | EventListenerObject | null} listener
   * @param {boolean | AddEventListenerOptions} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, /** @type {EventListener | null} */ (listener), options);
  }

  /**
   * @template {keyof Details & string} Type
   * @override
   * @param {Type} type
   * @param {((event: CustomEvent<Details[Type]>) => void) | EventListenerObject | null} listener
   * @param {boolean | EventListenerOptions} [options]
   */
  removeEventListener(type, listener, options) {
    super.removeEventListener(type, /** @type {EventListener | null} */ (listener), options);
  }

  /**
   * Calls *listener* with each detail of an event.
   * @template {keyof Details & string} Type
   * @param {Type} type
   * @param {(detail: Details[Type]) => void} listener
   * @returns {() => void} stops that
   */
  on(type, listener) {
    const controller = new AbortController();
    this.addEventListener(type, ({ detail }) => listener(detail), { signal: controller.signal });
    return () => controller.abort();
  }

  /**
   * @template {keyof Details & string} Type
   * @protected
   * @param {Type} type
   * @param {Details[Type]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @typedef {import('./session.js').SessionEvents} SessionEvents */
/** @typedef {import('./transcript.js').Utterance} Utterance */

/**
 * @typedef {object} Settings read from the session
 * @property {import('./session.js').State} state
 * @property {boolean} muted
 * @property {number} volume
 * @property {boolean} voiced
 * @property {boolean} listening
 * @property {import('./connection/token-source.js').Features | null} features
 *
 * @typedef {object} Progress learned from its events
 * @property {import('./errors.js').LiveError | null} error why the last conversation ended
 * @property {boolean} speaking
 * @property {import('./media/video.js').Shown | null} video
 *
 * @typedef {Readonly<Settings & Progress & {transcript: readonly Utterance[]}>} Snapshot
 */

// The oldest are dropped: hours of a conversation, and a bound to a flood.
const MOST_UTTERANCES = 2000;

/** Collects what a component that comes late has missed. */
export class Snapshots {
  #settings;
  /** @type {Map<string, Utterance>} */
  #utterances = new Map();
  /** @type {Progress} */
  #progress = { error: null, speaking: false, video: null };
  /** Made when it is asked for. @type {readonly Utterance[] | null} */
  #transcript = null;
  /** @type {Snapshot | null} */
  #latest = null;

  /** @param {() => Settings} settings */
  constructor(settings) {
    this.#settings = settings;
  }

  /** @returns {Snapshot} the same one until there is a change */
  get latest() {
    this.#transcript ??= [...this.#utterances.values()];
    this.#latest ??= { ...this.#settings(), ...this.#progress, transcript: this.#transcript };
    return this.#latest;
  }

  /**
   * @template {keyof SessionEvents} Type
   * @param {Type} type of an event, before it is dispatched
   * @param {SessionEvents[Type]} detail
   * @returns {boolean} whether it changes the snapshot
   */
  note(type, detail) {
    const events = /** @type {Partial<SessionEvents>} */ ({ [type]: detail });
    const { state, transcript, speaking, listening, video } = events;
    if (transcript) {
      this.#utterances.set(transcript.id, transcript);
      if (this.#utterances.size > MOST_UTTERANCES) this.#utterances.delete(/** @type {string} */ (this.#utterances.keys().next().value));
    } else if (state) this.#progress.error = state.error;
    else if (speaking) this.#progress.speaking = speaking.speaking;
    else if (video !== undefined) this.#progress.video = video;
    else if (!listening && type !== 'change') return false;
    if (state?.state === 'connecting') this.#utterances.clear();
    if (transcript || state) this.#transcript = null;
    this.#latest = null;
    return type !== 'change';
  }
}
