/** Who is talking: a person who signed in, or a guest; the credential lives in memory and nowhere else. */

import { LiveError } from '../live/errors.js';
import { problem } from '../live/token-source.js';

/**
 * @typedef {object} Profile
 * @property {string} name
 * @property {string} [description]
 * @property {Record<string, {choices: string[], default?: string}>} [options]
 * @property {import('../live/token-source.js').Features} [features]
 */

/** The service's own accounts (`POST /login`), and what the account may use (`GET /profiles`). */
export class Account {
  #service;
  /** @type {string | null} */
  #credential = null;
  /** @type {string | null} */
  #name = null;

  /** @param {URL | string} service the address that the service's own addresses are relative to */
  constructor(service) {
    this.#service = service;
  }

  /** The user name; null for a guest. */
  get name() {
    return this.#name;
  }

  get credential() {
    return this.#credential;
  }

  /**
   * @param {string} username
   * @param {string} password
   * @throws {LiveError} with the service's own sentence
   */
  async signIn(username, password) {
    const { access_token: credential } = await this.#ask('login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password }),
    });
    this.#credential = credential;
    this.#name = username;
  }

  signOut() {
    this.#credential = null;
    this.#name = null;
  }

  /**
   * @returns {Promise<Profile[]>}
   * @throws {LiveError}
   */
  async profiles() {
    const headers = this.#credential ? { Authorization: `Bearer ${this.#credential}` } : undefined;
    return (await this.#ask('profiles', { headers })).profiles;
  }

  /** @param {string} path @param {RequestInit} request */
  async #ask(path, request) {
    /** @type {Response} */
    let answer;
    try {
      answer = await fetch(new URL(path, this.#service), { cache: 'no-store', ...request });
    } catch (cause) {
      const sentence = 'This site cannot be reached at the moment. Check your network and try again.';
      throw new LiveError('service-unreachable', sentence, { retryable: true, cause });
    }
    const content = await answer.json().catch(() => null);
    if (!answer.ok || content === null) throw problem(answer.status, content);
    return content;
  }
}
