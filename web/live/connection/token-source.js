/** Gets a session's tokens, from the token service or from a function of the page. */

import { steadyClock } from '../clock.js';
import { LiveError } from '../errors.js';

const TIME_LIMIT_MS = 15_000;
// How long a prefetched credential is used; sites' JWTs live for minutes.
const WARM_MS = 60_000;

/**
 * As much of a JSON schema as is checked; types in capitals (Google's) or not (JSON Schema's).
 * @typedef {object} Schema
 * @property {string | string[]} [type]
 * @property {boolean} [nullable]
 * @property {unknown[]} [enum]
 * @property {Record<string, Schema>} [properties]
 * @property {string[]} [required]
 * @property {Schema} [items]
 *
 * @typedef {{name: string, behavior?: string}} Declaration of a tool
 * @typedef {{functionDeclarations?: {name: string, parameters?: Schema, parametersJsonSchema?: Schema}[]}} DeclaredTool
 *
 * The token service's answer, as far as the client needs it.
 * @typedef {object} Grant
 * @property {string} token
 * @property {string} websocket_url
 * @property {object} setup the content of the first frame
 * @property {number} [expires_in] seconds
 * @property {Features} [features]
 * @property {number} [lease_expires_in] seconds
 * @property {string} [lease] the right to continue this conversation; it counts as one of the person's
 *   concurrent conversations until it is ended
 * @property {{tools?: DeclaredTool[]}} [locked] what the token fixes
 * @property {() => void} [end] called when the conversation is over, where a function of the page is the source
 *
 * @typedef {object} Features
 * @property {string[]} [modalities]
 * @property {('camera' | 'screen')[]} [video]
 * @property {boolean} [text]
 * @property {'automatic' | 'manual'} [activity]
 * @property {boolean} [transcripts]
 * @property {Declaration[]} [tools]
 * @property {string} [greeting] what the client sends first, because models do not speak first
 * @property {RebuildForm} [rebuild] how a fresh session can be told what was said before
 * @property {number} [idle_stop] seconds of silence after which the client ends the conversation
 *
 * `content` is answered; an initial `history` is not, and the token has to be requested for it.
 * @typedef {'content' | 'history'} RebuildForm
 *
 * @typedef {{profile?: string, options?: Record<string, string>}} Choice
 * @typedef {{lease: string, resumption_handle?: string, rebuild?: true}} Continuation
 *
 * A grant with its ends by the client's clock, rather a little early than late.
 * @typedef {Grant & {endsAt: number, leaseEndsAt: number}} DatedGrant
 *
 * @callback GetCredential
 * @param {{refused: boolean}} situation `refused`: the service did not accept the last credential
 * @returns {string | null | Promise<string | null>} a JWT of the site; null for a guest
 *
 * @callback GetGrant
 * @param {Choice | Continuation} request the body of `POST /token`
 * @param {AbortSignal} signal
 * @returns {Promise<Grant>}
 */

/** Gets grants, and ends their leases. */
export class TokenSource {
  #source;
  #getCredential;
  #fetch;
  #clock;
  #timed;
  /** @type {{credential: Promise<string | null>, until: number} | null} */
  #warm = null;

  /**
   * @param {string | URL | GetGrant} source the address of `POST /token`, or a function that returns what it answers
   * @param {object} [options]
   * @param {GetCredential} [options.getCredential]
   * @param {typeof globalThis.fetch} [options.fetch]
   * @param {() => number} [options.clock] monotonic, in milliseconds
   * @param {(name: 'mint', milliseconds: number) => void} [options.timed] called with how long a grant took
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

  /** Prepares for a grant without getting one. Never rejects: an error is reported when the grant is needed. */
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
   * Gets a grant. A hang-up does not cancel the request, because a lease that is granted meanwhile has to be ended.
   * @param {Choice | Continuation} request
   * @param {AbortSignal} signal
   * @returns {Promise<DatedGrant>}
   * @throws {LiveError} with the code and the sentence of the service's problem, `token-service-unreachable` or
   *   `token-answer-invalid`
   */
  async grant(request, signal) {
    const asked = this.#clock();
    const grant = checked(await this.#ask(request, signal));
    if (signal.aborted && !('lease' in request)) this.end(grant);
    signal.throwIfAborted();
    this.#timed('mint', this.#clock() - asked);
    const at = (/** @type {number | undefined} */ seconds) => asked + (seconds ?? Infinity) * 1000;
    return { ...grant, endsAt: at(grant.expires_in), leaseEndsAt: at(grant.lease_expires_in) };
  }

  /**
   * Ends a lease, so that another conversation may begin. Fire and forget; it is sent even while the page closes.
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
    // If this fails, the lease stops counting at the token's end.
    ended.catch(() => {});
  }

  /** @param {boolean} refused */
  async #credential(refused) {
    return this.#getCredential({ refused });
  }

  /** Uses the prefetched credential once; asks for another if that failed or is too old. */
  async #warmCredential() {
    const warm = this.#warm;
    this.#warm = null;
    if (warm === null || this.#clock() >= warm.until) return this.#credential(false);
    return warm.credential.catch(() => this.#credential(false));
  }

  /** @param {Choice | Continuation} request @param {AbortSignal} signal @returns {Promise<unknown>} */
  async #ask(request, signal) {
    if (typeof this.#source === 'function') return this.#source(request, signal);
    let answer = await this.#post(this.#source, request, false, signal);
    // The credential may have expired since the page loaded; the page gets one chance to renew it.
    if (answer.status === 401) answer = await this.#post(this.#source, request, true, signal);
    const content = await answer.json().catch(() => null);
    if (!answer.ok) throw problem(answer.status, content, answer.headers.get('Retry-After'));
    return content;
  }

  /** @param {string | URL} address @param {object} request @param {boolean} refused @param {AbortSignal} signal */
  async #post(address, request, refused, signal) {
    const credential = await (refused ? this.#credential(true) : this.#warmCredential());
    /** @type {Record<string, string>} */
    const headers = { 'Content-Type': 'application/json' };
    if (credential) headers.Authorization = `Bearer ${credential}`;
    try {
      return await this.#fetch(address, {
        method: 'POST',
        headers,
        body: JSON.stringify(request),
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

/** Opens a connection to the server of an address, without a request. @param {URL} address */
function preconnect({ origin }) {
  const link = globalThis.document?.createElement('link');
  if (!link) return;
  Object.assign(link, { rel: 'preconnect', crossOrigin: 'anonymous', href: origin });
  document.head.append(link);
  link.remove();
}

/**
 * Makes an error of the service's problem document (RFC 9457).
 * @param {number} status
 * @param {any} content the answer's JSON, or null
 * @param {string | null} [retryAfter] the header's value in seconds (RFC 9110, section 10.2.3)
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
  const sentence = 'The site did not return a usable token. Please contact the site owner.';
  throw new LiveError('token-answer-invalid', sentence);
}

/**
 * @param {DatedGrant} grant
 * @param {string | null} handle
 * @returns {DatedGrant} whose setup asks to resume; a locked token ignores that
 */
export function resuming(grant, handle) {
  if (handle === null) return grant;
  return { ...grant, setup: { ...grant.setup, sessionResumption: { handle } } };
}
