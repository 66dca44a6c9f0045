/** Takes a conversation along to the next page of the site, in the same tab; loaded with `keep="session"`. */

/** @typedef {import('../live/session.js').Left} Left */

/**
 * What is stored between two pages, and only then.
 * @typedef {Left & {id: string, voiced: boolean, muted: boolean, silent: boolean, open: boolean, lang: string}} Kept
 */

// For the page before to release the conversation. A tab of which this one is a duplicate does not.
const PATIENCE_MS = 3000;
const MOST_UTTERANCES = 40;
/** Of an utterance, in characters. */
const LONGEST = 1000;

/** A browser copies a tab's storage into a duplicate of it; a Web Lock says which of them has the conversation. */
export class Keeper {
  /** What this page is to continue, until it does. @type {Kept | null} */
  left = null;
  #agent;
  #id = '';
  /** Whether it is continued without having been asked to. */
  #trying = false;
  /** Aborts when this page does not have the conversation any more. */
  #owning = new AbortController();

  /** @param {import('./element.js').LiveAgent} agent */
  constructor(agent) {
    this.#agent = agent;
  }

  /** Continues what the page before has left to this one, if anything, and leaves the last conversation to the next. */
  async run() {
    if (!isSecureContext) return; // has no locks
    this.#agent.addEventListener('live-agent-state', ({ detail: { state, error } }) => {
      if (state === 'connecting' && this.left === null) this.#own(crypto.randomUUID());
      else if (state === 'live') this.left = null;
      else if (state === 'closed' && (this.left === null || (error === null && !this.#trying))) this.#forget();
    });
    await this.#resume();
  }

  async #resume() {
    const kept = this.#read();
    const owned = kept !== null && (await this.#own(kept.id));
    this.#write(null);
    if (!owned) return;
    this.left = kept;
    this.#agent.open = kept.open;
    if (kept.lang) this.#agent.lang = kept.lang;
    this.#agent.mute(kept.muted);
    await this.#continue();
  }

  /** Until it is live, each start continues it: an error, such as a refused microphone, may pass. */
  async #continue() {
    this.#trying = true;
    try {
      await this.#agent.start({ microphone: this.left?.voiced });
    } catch (cause) {
      const { code, retryable, status } = /** @type {import('../live/errors.js').LiveError} */ (cause);
      if (code === 'sound-blocked') this.#continueLater();
      // Unless the person has gone to the next page meanwhile.
      else if (this.left && (code === 'hung-up' || (status && !retryable))) this.#forget();
    }
    this.#trying = false;
  }

  /** The browser allows sound once the person has used this page. */
  #continueLater() {
    const once = new AbortController();
    const signal = AbortSignal.any([once.signal, this.#owning.signal]);
    for (const gesture of ['click', 'keydown']) {
      addEventListener(gesture, (event) => {
        once.abort();
        // The widget's own buttons start it themselves, or do something else.
        if (!event.composedPath().includes(this.#agent)) this.#continue();
      }, { signal });
    }
  }

  /**
   * Makes this page the one that has the conversation.
   * @param {string} id
   * @returns {Promise<boolean>} false if another page has it
   */
  #own(id) {
    this.#id = id;
    this.#owning.abort();
    this.#owning = new AbortController();
    const { signal } = this.#owning;
    // Before the session, which would end the conversation.
    addEventListener('pagehide', () => this.#leave(), { capture: true, signal });
    return new Promise((resolve) => {
      const own = () => {
        resolve(!signal.aborted);
        return new Promise((release) => (signal.aborted ? release(0) : signal.addEventListener('abort', release)));
      };
      navigator.locks.request(`live-agent ${id}`, { signal: AbortSignal.timeout(PATIENCE_MS) }, own).catch(() => resolve(false));
    });
  }

  #leave() {
    const { left } = this;
    const { session, open, keep, languages } = this.#agent;
    const lang = languages && this.#agent.lang; // the person's choice
    if (keep !== 'session') return;
    const { voiced = false, muted = false } = left ?? session ?? {};
    const silent = left?.silent ?? session?.volume === 0;
    const latest = session?.leave() ?? null;
    this.#owning.abort();
    this.left = null;
    // Before it is live there is nothing new.
    const next = left ?? latest;
    if (next !== null) this.#write({ ...shortened(next), id: this.#id, voiced, muted, silent, open, lang });
    // A page that the browser has kept in memory is not loaded again.
    addEventListener('pageshow', ({ persisted }) => persisted && this.#resume(), { once: true });
  }

  #forget() {
    this.left = null;
    this.#owning.abort();
    this.#write(null);
  }

  /** Of each profile of a service there is one. */
  get #key() {
    return `live-agent ${this.#agent.service} ${this.#agent.profile}`;
  }

  /** @returns {Kept | null} */
  #read() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.#key) ?? 'null');
      return typeof kept?.request?.lease === 'string' && Array.isArray(kept.transcript) ? kept : null;
    } catch {
      return null; // the browser stores nothing for this site, or the site has written something else
    }
  }

  /** @param {Kept | null} kept */
  #write(kept) {
    try {
      if (kept === null) sessionStorage.removeItem(this.#key);
      else sessionStorage.setItem(this.#key, JSON.stringify(kept));
    } catch {
      // The next page begins without it.
    }
  }
}

/** @param {Left} left @returns {Left} */
function shortened({ request, transcript }) {
  const last = transcript.slice(-MOST_UTTERANCES);
  return { request, transcript: last.map((utterance) => ({ ...utterance, text: utterance.text.slice(-LONGEST) })) };
}
