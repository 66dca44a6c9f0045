/** Remembers the calls of a conversation, so that a fresh session that is told of them runs none twice. */

import { steadyClock } from './clock.js';

/** @typedef {import('./connection/protocol.js').FunctionCall} FunctionCall */
/** @typedef {import('./connection/protocol.js').FunctionResponse} FunctionResponse */

/**
 * @typedef {object} Entry
 * @property {FunctionCall} call
 * @property {string} key the same for the same call
 * @property {Promise<FunctionResponse | null>} result null if the call was cancelled
 * @property {FunctionResponse | null} [response] undefined while the call is running
 * @property {boolean} known whether the model was given the result
 * @property {boolean} settled whether a turn has completed since then
 * @property {boolean} owed whether the model was told that the call is running, and waits for the result
 * @property {number} until when a call like it stops being taken for the same one
 */

const MOST = 8;
// A model issues a call again before its first word (frontier-on-cloud/gemini-live-resume-test, FINDINGS.md, stage 2),
// or when it is asked about it.
const REPEATED_MS = 120_000;
const LONGEST = 500;

export class Ledger {
  #clock;
  /** @type {Entry[]} */
  #entries = [];

  constructor(clock = steadyClock) {
    this.#clock = clock;
  }

  /**
   * @param {FunctionCall} call
   * @param {Promise<FunctionResponse | null>} result
   * @returns {Entry}
   */
  add(call, result) {
    /** @type {Entry} */
    const entry = { call, key: keyOf(call), result, known: false, settled: false, owed: false, until: 0 };
    result.then((response) => (entry.response = response));
    this.#entries.push(entry);
    if (this.#entries.length > MOST) this.#entries.shift();
    return entry;
  }

  /**
   * Finds the call of a lost session that this one repeats. One that failed or was cancelled may be tried again.
   * @param {FunctionCall} call
   * @returns {Entry | undefined}
   */
  find(call) {
    const key = keyOf(call);
    const now = this.#clock.now();
    const entry = this.#entries.findLast((each) => each.key === key && now < each.until && !failed(each));
    if (entry) entry.owed = false;
    return entry;
  }

  /** A turn is complete: the model has used the results that it was given. */
  settle() {
    for (const entry of this.#entries) entry.settled ||= entry.known;
  }

  /** The person has said something new: they may want again what was settled before the loss. */
  asked() {
    for (const entry of this.#entries) if (entry.until === Infinity) entry.until = 0;
  }

  /** The session is lost. @returns {string} what became of its calls, for the next one */
  report() {
    for (const entry of this.#entries) {
      const running = entry.response === undefined;
      entry.until = entry.settled ? Infinity : this.#clock.now() + REPEATED_MS;
      entry.owed = running;
      entry.known ||= !running;
    }
    return this.#entries.map(describe).join(' ');
  }

  /** @param {Entry[]} entries whose session is lost @returns {string} the results that the model still waits for */
  late(entries) {
    const owed = entries.filter((entry) => entry.owed);
    for (const entry of owed) {
      entry.owed = false;
      entry.known = true;
    }
    return owed.map(describe).join(' ');
  }

  forget() {
    for (const entry of this.#entries) entry.owed = false;
    this.#entries = [];
  }
}

/** @param {Entry} entry */
const failed = ({ response }) => response === null || (response !== undefined && 'error' in response.response);

/** @param {Entry} entry @returns {string} a sentence */
function describe({ call: { name, args }, response }) {
  const called = `${name}(${short(JSON.stringify(args))})`;
  if (response === undefined) return `${called} is still running; its result will follow.`;
  if (response === null) return `${called} was cancelled.`;
  const { response: content } = response;
  if ('error' in content) return `${called} failed: ${short(content.error)}`;
  return `${called} was answered with ${short(JSON.stringify(content.output))}.`;
}

/** @param {string} text */
const short = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** @param {FunctionCall} call @returns {string} whatever the order of its arguments */
function keyOf({ name, args }) {
  const sorted = (/** @type {string} */ _, /** @type {unknown} */ value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return JSON.stringify([name, args], sorted);
}
