/** Collects what a turn's answer is grounded on; loaded with the first of it. */

import { fields, list, text } from './connection/protocol.js';

// Of a turn; an answer cites a dozen at most.
const MOST = 100;

/** @typedef {import('./session.js').SessionEvents['sources']} Found */

/** Sources with web addresses only, because a page makes links of them. */
export class Sources {
  #turn = -1;
  /** Titles by address. @type {Map<string, string>} */
  #sources = new Map();
  /** @type {Set<string>} */
  #queries = new Set();
  /** Google's Search Suggestions. @type {Set<string>} */
  #suggestions = new Set();

  /**
   * @param {number} turn
   * @param {import('./connection/protocol.js').Fields} grounding
   * @returns {Found | null} all of the turn so far; null if nothing is new
   */
  add(turn, { webSearchQueries, groundingChunks, searchEntryPoint }) {
    const all = [this.#sources, this.#queries, this.#suggestions];
    if (turn !== this.#turn) for (const each of all) each.clear();
    this.#turn = turn;
    const count = () => this.#sources.size + this.#queries.size + this.#suggestions.size;
    const before = count();
    for (const query of list(webSearchQueries).filter(text)) if (this.#queries.size < MOST) this.#queries.add(query);
    for (const chunk of list(groundingChunks)) {
      const { title, uri } = fields(fields(chunk).web);
      if (/^https?:\/\//i.test(text(uri)) && this.#sources.size < MOST) this.#sources.set(uri, text(title));
    }
    const html = text(fields(searchEntryPoint).renderedContent);
    if (html && this.#suggestions.size < MOST) this.#suggestions.add(html);
    if (count() === before) return null;
    return {
      turn,
      queries: [...this.#queries],
      sources: Array.from(this.#sources, ([url, title]) => ({ title, url })),
      ...(this.#suggestions.size > 0 && { suggestions: [...this.#suggestions] }),
    };
  }
}
