/** Tells the agent what it is to know of the page; loaded with the first `agent.context`. */

/** @typedef {import('../live/session.js').LiveSession} LiveSession */

// A page often changes several things at once.
const DELAY_MS = 100;
/** In characters. */
const LONGEST = 4000;
const INTRODUCTION = 'The page tells you about itself, in place of what it told you before: ';
const NOTHING = 'What the page told you about itself no longer applies.';

/** @type {WeakMap<LiveSession, Sharing>} */
const sharings = new WeakMap();

/**
 * Tells the context at the start of each conversation, and now, if there is one.
 * @param {LiveSession} session
 * @param {() => unknown} read returns the context
 */
export function share(session, read) {
  const sharing = sharings.get(session) ?? new Sharing(session, read);
  sharings.set(session, sharing);
  sharing.changed();
}

class Sharing {
  #session;
  #read;
  /** In this conversation. */
  #told = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #delay;

  /** @param {LiveSession} session @param {() => unknown} read */
  constructor(session, read) {
    this.#session = session;
    this.#read = read;
    session.on('state', ({ state }) => {
      if (state !== 'connecting') return;
      this.#told = '';
      // The conversation exists once the session has announced it.
      queueMicrotask(() => this.#tell());
    });
  }

  /** Tells it a little later, once for all changes until then. */
  changed() {
    clearTimeout(this.#delay);
    this.#delay = setTimeout(() => this.#tell(), DELAY_MS);
  }

  #tell() {
    clearTimeout(this.#delay);
    const text = this.#text();
    if (text === this.#told || ['idle', 'closed'].includes(this.#session.state)) return;
    this.#session.sendContext(text ? INTRODUCTION + text : NOTHING);
    this.#told = text;
  }

  #text() {
    const context = this.#read();
    try {
      const text = typeof context === 'string' ? context : JSON.stringify(context ?? '');
      return text === '""' ? '' : text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
    } catch (cause) {
      reportError(new TypeError('The context of <live-agent> cannot be written as JSON: set a text, or plain objects.', { cause }));
      return this.#told;
    }
  }
}
