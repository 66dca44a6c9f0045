/** Where a session's tokens come from: the token service, or a function of the page's own. */

import { steadyClock } from './clock.js';
import { LiveError } from './errors.js';

const TIME_LIMIT_MS = 15_000;
// A credential that was asked for ahead is used for this long; sites' JWTs live for minutes.
const WARM_MS = 60_000;

/**
 * What the token service answers, as far as the client needs it.
 * @typedef {object} Grant
 * @property {string} token
 * @property {string} websocket_url
 * @property {object} setup what the first frame holds
 * @property {number} [expires_in] seconds
 * @property {Features} [features]
 * @property {number} [lease_expires_in] seconds
 * @property {string} [lease] the right to go on with this conversation; until it is ended it takes one of the person's
 *   places
 * @property {{tools?: import('./tools.js').DeclaredTool[]}} [locked] what the token holds the conversation to
 * @property {() => void} [end] what a function of the page's own wants done when the conversation is over
 *
 * @typedef {object} Features
 * @property {string[]} [modalities]
 * @property {('camera' | 'screen')[]} [video]
 * @property {boolean} [text]
 * @property {'automatic' | 'manual'} [activity]
 * @property {boolean} [transcripts]
 * @property {import('./tools.js').Declaration[]} [tools]
 * @property {string} [greeting] what the client says first, for models do not
 * @property {number} [idle_stop] seconds of silence after which the client hangs up
 *
 * @typedef {{profile?: string, options?: Record<string, string>}} Choice
 * @typedef {{lease: string, resumption_handle?: string}} Continuation
 *
 * What is known of a grant's times, by the client's clock and a little early rather than late.
 * @typedef {Grant & {endsAt: number, leaseEndsAt: number}} DatedGrant
 *
 * @callback GetCredential
 * @param {{refused: boolean}} situation `refused`: the credential given last is no longer accepted
 * @returns {string | null | Promise<string | null>} a JWT of the site; null for a guest
 *
 * @callback GetGrant
 * @param {Choice | Continuation} order what `POST /token` is asked
 * @param {AbortSignal} signal
 * @returns {Promise<Grant>}
 */

/** Asks for grants, and gives back the place that each takes. */
export class TokenSource {
  #source;
  #getCredential;
  #fetch;
  #clock;
  #timed;
  /** @type {{credential: Promise<string | null>, until: number} | null} */
  #warm = null;

  /**
   * @param {string | URL | GetGrant} source the address of `POST /token`, or a function that answers what it answers
   * @param {object} [options]
   * @param {GetCredential} [options.getCredential]
   * @param {typeof globalThis.fetch} [options.fetch]
   * @param {() => number} [options.clock] milliseconds since any moment; never the wall clock, which people set wrong
   * @param {(name: 'mint', milliseconds: number) => void} [options.timed] how long it took to be granted something
   */
  constructor(
    source,
    {
      getCredential = () => null,
      fetch = globalThis.fetch.bind(globalThis),
      clock = steadyClock.now,
      timed = () => {},
    } = {},
  ) {
    this.#source = source;
    this.#getCredential = getCredential;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#timed = timed;
  }

  /** Gets ready for a grant, without asking for one. Never rejects: what fails now is said when it is needed. */
  async warm() {
    if (typeof this.#source === 'function') return;
    preconnect(new URL(this.#source, globalThis.document?.baseURI));
    const now = this.#clock();
    if (this.#warm === null || now >= this.#warm.until) {
      this.#warm = { credential: this.#credential(false), until: now + WARM_MS };
    }
    await Promise.allSettled([this.#warm.credential]);
  }

  /**
   * A hang-up does not stop the asking: what was granted meanwhile has to be given back.
   * @param {Choice | Continuation} order
   * @param {AbortSignal} signal
   * @returns {Promise<DatedGrant>}
   * @throws {LiveError} with the code and the sentence of the service's problem, or `token-service-unreachable`, or
   *   `token-answer-invalid`
   */
  async grant(order, signal) {
    const asked = this.#clock();
    const grant = checked(await this.#ask(order, signal));
    if (signal.aborted && !('lease' in order)) this.end(grant);
    signal.throwIfAborted();
    this.#timed('mint', this.#clock() - asked);
    const at = (/** @type {number | undefined} */ seconds) => asked + (seconds ?? Infinity) * 1000;
    return { ...grant, endsAt: at(grant.expires_in), leaseEndsAt: at(grant.lease_expires_in) };
  }

  /**
   * Frees the place of a conversation that is over. Nobody waits for it, and it arrives from a page that closes, too.
   * @param {Grant} grant
   */
  end(grant) {
    grant.end?.();
    if (typeof this.#source === 'function' || grant.lease === undefined) return;
    const address = new URL('lease/end', new URL(this.#source, globalThis.document?.baseURI));
    const ended = this.#fetch(address, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ lease: grant.lease }),
      keepalive: true,
      credentials: 'omit',
    });
    // Where it cannot be told, the place is free again at the token's end.
    ended.catch(() => {});
  }

  /** @param {boolean} refused */
  async #credential(refused) {
    return this.#getCredential({ refused });
  }

  /** The one that was asked for ahead, once; if that failed, or is long ago, another. */
  async #warmCredential() {
    const warm = this.#warm;
    this.#warm = null;
    if (warm === null || this.#clock() >= warm.until) return this.#credential(false);
    return warm.credential.catch(() => this.#credential(false));
  }

  /** @param {Choice | Continuation} order @param {AbortSignal} signal @returns {Promise<unknown>} */
  async #ask(order, signal) {
    if (typeof this.#source === 'function') return this.#source(order, signal);
    let answer = await this.#post(this.#source, order, false, signal);
    // A credential may have run out since the page loaded; the page gets one chance to bring a fresh one.
    if (answer.status === 401) answer = await this.#post(this.#source, order, true, signal);
    const content = await answer.json().catch(() => null);
    if (!answer.ok) throw problem(answer.status, content, answer.headers.get('Retry-After'));
    return content;
  }

  /** @param {string | URL} address @param {object} order @param {boolean} refused @param {AbortSignal} signal */
  async #post(address, order, refused, signal) {
    const credential = await (refused ? this.#credential(true) : this.#warmCredential());
    /** @type {Record<string, string>} */
    const headers = { 'Content-Type': 'application/json' };
    if (credential) headers.Authorization = `Bearer ${credential}`;
    try {
      return await this.#fetch(address, {
        method: 'POST',
        headers,
        body: JSON.stringify(order),
        cache: 'no-store',
        credentials: 'omit',
        signal: AbortSignal.timeout(TIME_LIMIT_MS),
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw new LiveError(
        'token-service-unreachable',
        'This site cannot be reached at the moment. Check your network and try again.',
        { retryable: true, cause },
      );
    }
  }
}

/** @param {URL} address whose server is connected to, and asked for nothing */
function preconnect({ origin }) {
  const link = globalThis.document?.createElement('link');
  if (!link) return;
  Object.assign(link, { rel: 'preconnect', crossOrigin: 'anonymous', href: origin });
  document.head.append(link);
  link.remove();
}

/**
 * A refusal as the service words it (RFC 9457).
 * @param {number} status
 * @param {any} content the answer's JSON, or null
 * @param {string | null} [retryAfter] seconds, as the header has it (RFC 9110, section 10.2.3)
 */
export function problem(status, content, retryAfter = null) {
  const code = typeof content?.code === 'string' ? content.code : 'request-refused';
  const sentence =
    typeof content?.detail === 'string' ? content.detail : `The site answered with an error (${status}). Please try again later.`;
  const retryable = typeof content?.retryable === 'boolean' ? content.retryable : status === 429 || status >= 500;
  return new LiveError(code, sentence, { retryable, status, retryAfter: Number.parseInt(retryAfter ?? '', 10) || undefined });
}

/** @param {any} content @returns {Grant} */
function checked(content) {
  const whole =
    typeof content?.token === 'string' &&
    /^wss?:\/\//.test(content.websocket_url) &&
    typeof content.setup === 'object' &&
    content.setup !== null;
  if (whole) return content;
  const sentence = 'The site did not give a usable token for the conversation. Please tell its owner.';
  throw new LiveError('token-answer-invalid', sentence);
}

/**
 * @param {DatedGrant} grant
 * @param {string | null} handle
 * @returns {DatedGrant} whose setup asks to resume; whether that counts is the lock's business
 */
export function resuming(grant, handle) {
  if (handle === null) return grant;
  return { ...grant, setup: { ...grant.setup, sessionResumption: { handle } } };
}
