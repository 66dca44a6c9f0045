/** Who is talking: a person who signed in, or a guest; the credential lives in memory and nowhere else. */

import { steadyClock } from '../live/clock.js';
import { LiveError } from '../live/errors.js';
import { problem } from '../live/token-source.js';

// Says that this browser has a login to go on with, so that nobody else asks for one. It opens nothing.
const MARK = 'tokensvc-signed-in';
const AHEAD_MS = 60_000; // of the credential's end, another is asked for

/**
 * @typedef {object} Profile
 * @property {string} name
 * @property {string} [description]
 * @property {Record<string, {choices: string[], default?: string}>} [options]
 * @property {import('../live/token-source.js').Features} [features]
 *
 * @typedef {{access_token: string, username: string, expires_in: number}} SignedIn
 * @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} Marks
 */

/** The service's own accounts (`POST /login` and below it), and what the account may use (`GET /profiles`). */
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
   * @param {URL | string} service the address that the service's own addresses are relative to
   * @param {object} [parts]
   * @param {typeof globalThis.fetch} [parts.fetch]
   * @param {() => number} [parts.clock] milliseconds since any moment
   * @param {Marks | null} [parts.marks] null where the browser keeps nothing
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
   * Goes on with the login of an earlier visit.
   * @returns {Promise<boolean>} whether there is one
   * @throws {LiveError} where that cannot be told
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
   * The credential of now: another one ahead of its end, or where it was refused.
   * @param {{refused?: boolean}} [situation]
   * @returns {Promise<string | null>} null for a guest
   * @throws {LiveError} where the login is over, or the service cannot be reached
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

  /** Goes on as a guest, for as long as the page is open. */
  forget() {
    this.#credential = null;
    this.#name = null;
  }

  /**
   * Ends the login, here and at the service.
   * @throws {LiveError} where the service could not be told
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

  /** Several who ask at once get one answer: each cookie is good for one. */
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

  /** @param {string} path @param {RequestInit} request @returns {Promise<any>} what was answered; null for nothing */
  async #ask(path, request) {
    /** @type {Response} */
    let answer;
    try {
      answer = await this.#fetch(new URL(path, this.#service), { cache: 'no-store', ...request });
    } catch (cause) {
      const sentence = 'This site cannot be reached at the moment. Check your network and try again.';
      throw new LiveError('service-unreachable', sentence, { retryable: true, cause });
    }
    if (answer.status === 204) return null;
    const content = await answer.json().catch(() => null);
    if (!answer.ok || content === null) throw problem(answer.status, content);
    return content;
  }
}

/** @param {object} content @returns {RequestInit} what arrives from a page that closes, too */
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
    return null; // switched off, as the cookie then is
  }
}
