/** The person's account or guest status. The credential is kept in memory only. */

import { problem } from '../live/connection/token-source.js';
import { LiveError } from '../live/errors.js';
import { steadyClock } from '../live/waiting.js';

// Marks that this browser has a login to continue, so that other visitors send no refresh. It grants nothing.
const MARK = 'tokensvc-signed-in';
const AHEAD_MS = 60_000; // before its end, the credential is refreshed

/**
 * @typedef {object} Profile
 * @property {string} name
 * @property {string} [description]
 * @property {Record<string, {choices: string[], default?: string}>} [options]
 * @property {import('../live/connection/token-source.js').Features} [features]
 *
 * @typedef {{access_token: string, username: string, expires_in: number}} SignedIn
 * @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} Marks
 */

/** Uses the service's own accounts (`POST /login` and below it) and their profiles (`GET /profiles`). */
export class Account {
  #service;
  #fetch;
  #clock;
  #marks;
  /** @type {string | null} */
  #credential = null;
  /** @type {string | null} */
  #name = null;
  #goodUntil = 0;
  /** @type {Promise<void> | null} */
  #refreshing = null;

  /**
   * @param {URL | string} service the base of the service's addresses
   * @param {object} [parts]
   * @param {typeof globalThis.fetch} [parts.fetch]
   * @param {() => number} [parts.clock] monotonic, in milliseconds
   * @param {Marks | null} [parts.marks] null if the browser has no storage
   */
  constructor(service, { fetch = globalThis.fetch.bind(globalThis), clock = steadyClock.now, marks = ownMarks() } = {}) {
    this.#service = service;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#marks = marks;
  }

  /** The user name; null for a guest. */
  get name() {
    return this.#name;
  }

  /**
   * @param {string} username
   * @param {string} password
   * @throws {LiveError} with the service's own sentence
   */
  async signIn(username, password) {
    await this.#enter('login', { username, password });
    this.#marks?.setItem(MARK, 'yes');
  }

  /**
   * Continues the login of an earlier visit.
   * @returns {Promise<boolean>} whether there is one
   * @throws {LiveError} if the service cannot be reached
   */
  async arrive() {
    if (this.#marks?.getItem(MARK) == null) return false;
    try {
      await this.#refresh();
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
    return this.#name !== null;
  }

  /**
   * Returns the credential, refreshed ahead of its end, or if it was refused.
   * @param {{refused?: boolean}} [situation]
   * @returns {Promise<string | null>} null for a guest
   * @throws {LiveError} if the login has ended, or the service cannot be reached
   */
  async credential({ refused = false } = {}) {
    if (this.#credential === null) return null;
    const left = this.#goodUntil - this.#clock();
    if (refused || left < AHEAD_MS) {
      await this.#refresh().catch((error) => {
        if (refused || left <= 0 || isRefused(error)) throw error;
      });
    }
    return this.#credential;
  }

  /** Continues as a guest until the page is closed. */
  forget() {
    this.#credential = null;
    this.#name = null;
  }

  /**
   * Ends the login, here and at the service.
   * @throws {LiveError} if the service cannot be reached
   */
  async signOut() {
    if (this.#name === null) return;
    this.forget();
    await this.#refreshing?.catch(() => {}); // which would sign in again
    this.forget();
    await this.#ask('login/end', posted({}));
    this.#marks?.removeItem(MARK);
  }

  /**
   * @returns {Promise<Profile[]>}
   * @throws {LiveError}
   */
  async profiles() {
    const credential = await this.credential();
    const headers = credential === null ? undefined : { Authorization: `Bearer ${credential}` };
    return (await this.#ask('profiles', { headers })).profiles;
  }

  /** Refreshes once for concurrent callers: each refresh cookie is good for one use. */
  #refresh() {
    this.#refreshing ??= this.#enter('login/refresh', {})
      .catch((error) => {
        if (isRefused(error)) this.#marks?.removeItem(MARK);
        throw error;
      })
      .finally(() => {
        this.#refreshing = null;
      });
    return this.#refreshing;
  }

  /** @param {string} path @param {object} content */
  async #enter(path, content) {
    const asked = this.#clock();
    /** @type {SignedIn} */
    const { access_token: credential, username, expires_in: seconds } = await this.#ask(path, posted(content));
    this.#credential = credential;
    this.#name = username;
    this.#goodUntil = asked + seconds * 1000;
  }

  /** @param {string} path @param {RequestInit} request @returns {Promise<any>} the answer's JSON; null if it has none */
  async #ask(path, request) {
    /** @type {Response} */
    let answer;
    try {
      answer = await this.#fetch(new URL(path, this.#service), { cache: 'no-store', ...request });
    } catch (cause) {
      const sentence = 'This site cannot be reached at the moment. Check your network and try again.';
      throw new LiveError('token-service-unreachable', sentence, { retryable: true, cause });
    }
    if (answer.status === 204) return null;
    const content = await answer.json().catch(() => null);
    if (!answer.ok || content === null) throw problem(answer.status, content);
    return content;
  }
}

/** @param {object} content @returns {RequestInit} sent even while the page closes */
function posted(content) {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(content),
    keepalive: true,
  };
}

/** @param {unknown} error */
function isRefused(error) {
  return error instanceof LiveError && error.status === 401;
}

/** @returns {Marks | null} */
function ownMarks() {
  try {
    return globalThis.localStorage;
  } catch {
    return null; // storage is disabled, as cookies are then
  }
}
