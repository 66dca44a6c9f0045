/** Where a session's tokens come from: the token service, or a function of the page's own. */

import { LiveError } from './errors.js';

const TIME_LIMIT_MS = 15_000;
const now = () => performance.now();

/**
 * What the token service answers, as far as the client needs it.
 * @typedef {object} Grant
 * @property {string} token
 * @property {string} websocket_url
 * @property {object} setup what the first frame holds
 * @property {number} [expires_in] seconds
 * @property {Features} [features]
 * @property {string} [lease] what `POST /lease/end` takes
 *
 * @typedef {object} Features
 * @property {string[]} [modalities]
 * @property {('camera' | 'screen')[]} [video]
 * @property {boolean} [text]
 * @property {'automatic' | 'manual'} [activity]
 * @property {boolean} [transcripts]
 * @property {import('./tools.js').Declaration[]} [tools]
 * @property {string} [greeting]
 *
 * @typedef {{profile?: string, options?: Record<string, string>}} Choice
 *
 * @callback GetCredential
 * @param {{refused: boolean}} situation `refused`: the credential given last is no longer accepted
 * @returns {string | null | Promise<string | null>} a JWT of the site; null for a guest
 *
 * @callback GetGrant
 * @param {Choice} choice
 * @param {AbortSignal} signal
 * @returns {Promise<Grant>}
 */

/** Asks for one grant at a time; each is good for one conversation. */
export class TokenSource {
  #source;
  #getCredential;
  #fetch;
  #clock;

  /**
   * @param {string | URL | GetGrant} source the address of `POST /token`, or a function that answers what it answers
   * @param {object} [options]
   * @param {GetCredential} [options.getCredential]
   * @param {typeof globalThis.fetch} [options.fetch]
   * @param {() => number} [options.clock] milliseconds since any moment; never the wall clock, which people set wrong
   */
  constructor(source, { getCredential = () => null, fetch = globalThis.fetch.bind(globalThis), clock = now } = {}) {
    this.#source = source;
    this.#getCredential = getCredential;
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /**
   * @param {Choice} choice
   * @param {AbortSignal} signal
   * @returns {Promise<Grant & {endsAt: number}>} `endsAt` by the clock, a little early rather than late
   * @throws {LiveError} with the code and the sentence of the service's problem, or `token-service-unreachable`, or
   *   `token-answer-invalid`
   */
  async grant(choice, signal) {
    const asked = this.#clock();
    const grant = checked(await this.#ask(choice, signal));
    return { ...grant, endsAt: asked + (grant.expires_in ?? Infinity) * 1000 };
  }

  /**
   * Gives the place of a conversation back, where the service is known; it survives the page that asks.
   * @param {Grant} grant
   */
  async end({ lease }) {
    if (typeof this.#source === 'function' || lease === undefined) return;
    const address = new URL('lease/end', new URL(this.#source, globalThis.document?.baseURI));
    const headers = { 'Content-Type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify({ lease }), keepalive: true };
    // Out of reach, the service frees the place itself when the token ends.
    await this.#fetch(address, { ...request, credentials: 'omit' }).catch(() => undefined);
  }

  /** @param {Choice} choice @param {AbortSignal} signal @returns {Promise<unknown>} */
  async #ask(choice, signal) {
    if (typeof this.#source === 'function') return this.#source(choice, signal);
    let answer = await this.#post(this.#source, choice, false, signal);
    // A credential may have run out since the page loaded; the page gets one chance to bring a fresh one.
    if (answer.status === 401) answer = await this.#post(this.#source, choice, true, signal);
    const content = await answer.json().catch(() => null);
    if (!answer.ok) throw problem(answer.status, content);
    return content;
  }

  /** @param {string | URL} address @param {Choice} choice @param {boolean} refused @param {AbortSignal} signal */
  async #post(address, choice, refused, signal) {
    const credential = await this.#getCredential({ refused });
    /** @type {Record<string, string>} */
    const headers = { 'Content-Type': 'application/json' };
    if (credential) headers.Authorization = `Bearer ${credential}`;
    try {
      return await this.#fetch(address, {
        method: 'POST',
        headers,
        body: JSON.stringify(choice),
        cache: 'no-store',
        credentials: 'omit',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIME_LIMIT_MS)]),
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

/**
 * A refusal as the service words it (RFC 9457).
 * @param {number} status
 * @param {any} content the answer's JSON, or null
 */
export function problem(status, content) {
  const code = typeof content?.code === 'string' ? content.code : 'request-refused';
  const sentence =
    typeof content?.detail === 'string' ? content.detail : `The site answered with an error (${status}). Please try again later.`;
  const retryable = typeof content?.retryable === 'boolean' ? content.retryable : status === 429 || status >= 500;
  return new LiveError(code, sentence, { retryable, status });
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
