/** Remembers the calls of a conversation, so that a fresh session that is told of them runs none twice. */

import { steadyClock } from './waiting.js';

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

/** For how long a call that is the same as another, in the page's own words, gets its result. */
const SAME_MS = 600_000;
const MOST_SAME = 200;

/**
 * Gives a call the result of an earlier one that is the same, over interruptions, resumptions and rebuilt sessions: a model
 * whose call was interrupted makes it again, with a new id and in other words.
 */
export class Repeats {
  #clock;
  /** @type {Map<string, {result: Promise<FunctionResponse['response']>, until: number}>} */
  #calls = new Map();

  constructor(clock = steadyClock) {
    this.#clock = clock;
  }

  /**
   * @param {FunctionCall} call
   * @param {readonly string[] | ((args: any) => unknown)} same the arguments that count, or what the call means
   * @param {() => Promise<FunctionResponse['response']>} run
   * @returns {Promise<FunctionResponse['response']>}
   */
  run({ name, args }, same, run) {
    const meaning = typeof same === 'function' ? same(args) : same.map((each) => args?.[each]);
    const key = keyOf({ name, args: { meaning } });
    const now = this.#clock.now();
    // In the order of their ends.
    for (const [old, { until }] of this.#calls) {
      if (until > now) break;
      this.#calls.delete(old);
    }
    const earlier = this.#calls.get(key);
    if (earlier) return earlier.result;
    const call = { result: run(), until: now + SAME_MS };
    this.#calls.set(key, call);
    if (this.#calls.size > MOST_SAME) this.#calls.delete(/** @type {string} */ (this.#calls.keys().next().value));
    // One that did nothing may be tried again.
    call.result.then((response) => 'error' in response && this.#calls.get(key) === call && this.#calls.delete(key));
    return call.result;
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

/** @param {Pick<FunctionCall, 'name' | 'args'>} call @returns {string} whatever the order of its arguments */
function keyOf({ name, args }) {
  const sorted = (/** @type {string} */ _, /** @type {unknown} */ value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return JSON.stringify([name, args], sorted);
}
