/** Gets a session's tokens, from the token service or from a function of the page. */

import { LiveError } from '../errors.js';
import { pause, steadyClock } from '../waiting.js';

const FETCH_LIMIT_MS = 15_000;
// Of a grant. Only a function of the page can take that long.
const LIMIT_MS = 30_000;
// How long a prefetched credential is used; sites' JWTs live for minutes.
const WARM_MS = 60_000;

/**
 * As much of a JSON schema as is checked; types in capitals (Google's) or not (JSON Schema's).
 * @typedef {object} Schema
 * @property {string | readonly string[]} [type]
 * @property {boolean} [nullable]
 * @property {readonly unknown[]} [enum]
 * @property {Readonly<Record<string, Schema>>} [properties]
 * @property {readonly string[]} [required]
 * @property {Schema} [items]
 *
 * @typedef {object} Declaration of a tool
 * @property {string} name
 * @property {string} [behavior]
 * @property {boolean} [ends] after its call the conversation ends
 * @property {'server'} [runs] the token service runs it, for at most `timeout` seconds
 * @property {number} [timeout]
 * @property {string} [label] what a person is shown while it runs
 * @property {string[]} [refusals] what a person says to stop it, besides “stop” and the like
 *
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
 * @property {'content' | 'turn'} [context] how the model learns what it is not to answer: as content at any time, or only
 *   with the person's next turn
 * @property {'video' | 'content' | 'turn'} [image] how it sees a single picture: as a frame of video at any time, or as
 *   `context` says
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
  #headers;
  #credentials;
  #fetch;
  #clock;
  #timed;
  /** @type {{credential: Promise<string | null>, until: number} | null} */
  #warm = null;
  /** What the service is told of the conversation, with a renewal and at its end. @type {() => object} */
  usage = () => ({});
  /** The lease that was ended last. @type {string | undefined} */
  #ended;

  /**
   * @param {string | URL | GetGrant} source the address of `POST /token`, or a function that returns what it answers
   * @param {object} [options]
   * @param {GetCredential} [options.getCredential]
   * @param {HeadersInit} [options.headers] added to each request; read when it is sent
   * @param {RequestCredentials} [options.credentials] whether cookies are sent
   * @param {typeof globalThis.fetch} [options.fetch]
   * @param {import('../waiting.js').Clock} [options.clock]
   * @param {(name: 'mint', milliseconds: number) => void} [options.timed] called with how long a grant took
   */
  constructor(
    source,
    {
      getCredential = () => null,
      headers,
      credentials = 'same-origin',
      fetch = globalThis.fetch.bind(globalThis),
      clock = steadyClock,
      timed = () => {},
    } = {},
  ) {
    this.#source = source;
    this.#getCredential = getCredential;
    this.#headers = headers;
    this.#credentials = credentials;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#timed = timed;
  }

  /** Prepares for a grant without getting one. Never rejects: an error is reported when the grant is needed. */
  async warm() {
    if (typeof this.#source === 'function') return;
    preconnect(new URL(this.#source, globalThis.document?.baseURI), this.#credentials);
    const now = this.#clock.now();
    if (this.#warm === null || now >= this.#warm.until) {
      this.#warm = { credential: this.#credential(false), until: now + WARM_MS };
    }
    await Promise.allSettled([this.#warm.credential]);
  }

  /**
   * Gets a grant. A hang-up ends the wait, not the request, because a lease that is granted meanwhile has to be ended.
   * @param {Choice | Continuation} request
   * @param {AbortSignal} signal
   * @param {boolean} [renews] whether a conversation is under way, which no error of the page's function may end
   * @returns {Promise<DatedGrant>}
   * @throws {LiveError} with the code and the sentence of the service's problem, `token-service-unreachable`,
   *   `token-answer-invalid`, `credential-unavailable`, or `page-fault` for an error of the page's function
   */
  async grant(request, signal, renews = false) {
    const asked = this.#clock.now();
    /** @param {any} content of an answer that nobody waits for any more */
    const late = (content) => {
      if (content && !('lease' in request)) this.end(content);
    };
    const answer = this.#ask(request, signal, renews);
    const done = new AbortController();
    const overdue = pause(this.#clock, LIMIT_MS, AbortSignal.any([signal, done.signal])).then(() => {
      throw (typeof this.#source === 'function' ? unreachable : unidentified)();
    });
    const grant = await Promise.race([answer, overdue])
      .then(checked)
      .catch((error) => {
        answer.then(late).catch(() => {});
        // A refused start is most often the site's to fix; where this file cannot be loaded either, it is the network.
        if (!signal.aborted && !('lease' in request)) import('./advice.js').then(({ advise }) => advise(this.#source, request, error)).catch(() => {});
        throw error;
      })
      .finally(() => done.abort());
    if (signal.aborted) late(grant);
    signal.throwIfAborted();
    this.#timed('mint', this.#clock.now() - asked);
    // A token that is over when it arrives would be replaced again and again.
    const at = (/** @type {any} */ seconds) => asked + (Number.isFinite(seconds) && seconds > 0 ? seconds : Infinity) * 1000;
    return { ...grant, endsAt: at(grant.expires_in), leaseEndsAt: at(grant.lease_expires_in) };
  }

  /**
   * Ends a lease, so that another conversation may begin. Fire and forget; it is sent even while the page closes.
   * @param {Grant} grant
   */
  end(grant) {
    if (typeof grant.end === 'function') grant.end();
    this.#ended = grant.lease;
    this.#tell(this.usage());
  }

  /** @param {'good' | 'bad'} rating of the conversation that was ended last */
  rate(rating) {
    this.#tell({ rating });
  }

  /** @param {object} usage of the conversation that is over */
  #tell(usage) {
    if (typeof this.#source === 'function' || this.#ended === undefined) return;
    // If this fails, the lease stops counting at the token's end.
    this.#send(this.#beside('lease/end'), { lease: this.#ended, usage }, null, { keepalive: true }).catch(() => {});
  }

  /** @param {boolean} refused */
  async #credential(refused) {
    try {
      return await this.#getCredential({ refused });
    } catch (cause) {
      throw cause instanceof LiveError ? cause : unidentified(cause);
    }
  }

  /** Uses the prefetched credential once; asks for another if that failed or is too old. */
  async #warmCredential() {
    const warm = this.#warm;
    this.#warm = null;
    if (warm === null || this.#clock.now() >= warm.until) return this.#credential(false);
    return warm.credential.catch(() => this.#credential(false));
  }

  /** @param {Choice | Continuation} request @param {AbortSignal} signal @param {boolean} renews @returns {Promise<unknown>} */
  async #ask(request, signal, renews) {
    const source = this.#source;
    signal.throwIfAborted();
    if (typeof source === 'function') {
      try {
        return await source(request, signal);
      } catch (cause) {
        if (renews && !(cause instanceof LiveError)) throw unreachable(cause);
        throw cause;
      }
    }
    const usage = 'lease' in request && { usage: this.usage() };
    return this.#postAs(await this.#warmCredential(), source, { ...request, ...usage }, signal);
  }

  /**
   * Posts to another route of the token service, such as `tool`.
   * @param {string} route
   * @param {object} request
   * @param {AbortSignal} signal
   * @param {number} seconds that the answer may take
   * @returns {Promise<any>} its content
   * @throws {LiveError} as `grant`; `service-unknown` if a function of the page gets the tokens
   */
  async call(route, request, signal, seconds) {
    const credential = await this.#credential(false);
    return this.#postAs(credential, this.#beside(route), request, signal, seconds * 1000);
  }

  /** @param {string} route @returns {URL} the address of another route of the service */
  #beside(route) {
    if (typeof this.#source !== 'function') return new URL(route, new URL(this.#source, globalThis.document?.baseURI));
    throw new LiveError('service-unknown', 'This page does not know the address of the service that runs its tools.');
  }

  /**
   * @param {string | null} credential
   * @param {string | URL} address
   * @param {object} request
   * @param {AbortSignal} signal
   * @param {number} [limit] milliseconds
   */
  async #postAs(credential, address, request, signal, limit) {
    let answer = await this.#post(address, request, credential, signal, limit);
    // The credential may have expired since the page loaded; the page gets one chance to renew it.
    if (answer.status === 401 && !signal.aborted) {
      answer = await this.#post(address, request, await this.#credential(true), signal, limit);
    }
    const { ok, status, content, retryAfter } = answer;
    if (!ok) throw problem(status, content, retryAfter);
    return content;
  }

  /**
   * @param {string | URL} address
   * @param {object} request
   * @param {string | null} credential
   * @param {AbortSignal} signal
   * @param {number} [limit]
   */
  async #post(address, request, credential, signal, limit = FETCH_LIMIT_MS) {
    signal.throwIfAborted();
    try {
      const answer = await this.#send(address, request, credential, {
        cache: 'no-store',
        signal: AbortSignal.timeout(limit),
      });
      const { ok, status } = answer;
      const content = await answer.json().catch((cause) => {
        if (ok) throw cause;
      });
      return { ok, status, content, retryAfter: answer.headers.get('Retry-After') };
    } catch (cause) {
      // An answer that was cut off is not JSON.
      throw cause instanceof SyntaxError ? unusable(true) : unreachable(cause);
    }
  }

  /** @param {string | URL} address @param {object} content @param {string | null} credential @param {RequestInit} how */
  async #send(address, content, credential, how) {
    const added = new Headers(this.#headers);
    added.delete('Content-Type');
    if (credential) added.delete('Authorization');
    /** @type {Record<string, string>} */
    const headers = { ...Object.fromEntries(added), 'Content-Type': 'application/json' };
    if (credential) headers.Authorization = `Bearer ${credential}`;
    const body = JSON.stringify(content);
    return this.#fetch(address, { method: 'POST', headers, body, credentials: this.#credentials, ...how });
  }
}

/**
 * Opens a connection to the server of an address, without a request.
 * @param {URL} address
 * @param {RequestCredentials} credentials connections with and without cookies are not shared
 */
function preconnect({ origin }, credentials) {
  const link = globalThis.document?.createElement('link');
  if (!link) return;
  const cookies = credentials === 'include' || (credentials === 'same-origin' && origin === globalThis.location?.origin);
  const crossOrigin = cookies ? 'use-credentials' : 'anonymous';
  Object.assign(link, { rel: 'preconnect', crossOrigin, href: origin });
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
    content.token.isWellFormed() &&
    /^wss?:\/\//.test(content.websocket_url) &&
    typeof content.setup === 'object' &&
    content.setup !== null;
  if (whole) return content;
  throw unusable(false);
}

/** @param {boolean} retryable */
function unusable(retryable) {
  const sentence = 'The site did not return a usable token. Please contact the site owner.';
  return new LiveError('token-answer-invalid', sentence, { retryable });
}

/** @param {unknown} [cause] */
function unreachable(cause) {
  const sentence = 'This site cannot be reached at the moment. Check your network and try again.';
  return new LiveError('token-service-unreachable', sentence, { retryable: true, cause });
}

/** @param {unknown} [cause] */
function unidentified(cause) {
  const sentence = 'Your sign-in could not be confirmed. Check your network and try again.';
  return new LiveError('credential-unavailable', sentence, { retryable: true, cause });
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
