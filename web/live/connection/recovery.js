/**
 * What a connection's end means, and how soon the next one is tried. Loaded as soon as a conversation is
 * live: when it is needed, the network may be gone.
 */

import { LiveError, pathLost } from '../errors.js';
import { worthRetrying } from './reconnecting.js';

export { Unanswered } from './unanswered.js';

/** @typedef {import('./connection.js').Phase} Phase */

const CLOSED = 'The voice service closed the connection. Start again to continue.';
const MISCONFIGURED = 'This assistant is not set up correctly. Please contact the site owner.';

/**
 * @typedef {import('../errors.js').LiveErrorCode} LiveErrorCode
 * @typedef {{code?: number, words?: RegExp, phases?: Phase[], as: LiveErrorCode, retryable?: false, sentence: string}} Meaning
 */

/** @type {Meaning} */
const UNKNOWN = { as: 'service-failed', sentence: 'The voice service stopped unexpectedly. Please start again in a moment.' };

/**
 * The first row whose code, words and phase all match applies. Each names a public source.
 * @type {Meaning[]}
 */
const MEANINGS = [
  // https://github.com/sohzm/cheating-daddy/pull/455; https://github.com/sonichi/sutando/pull/569: without credit, "Your
  // prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project and".
  {
    words: /quota|RESOURCE_EXHAUSTED|credits?\b.*(deplet|exhaust)|spend(ing)? (cap|limit)|billing/i,
    as: 'quota-exhausted', retryable: false,
    sentence: 'This site has reached its limit for the voice service. Please try again later.',
  },
  // RFC 6455, section 7.4.1: there was no close frame.
  { code: 1006, as: 'connection-lost', sentence: pathLost().message },
  // https://github.com/google-gemini/cookbook/issues/781
  {
    code: 1007, words: /location is not supported/i, as: 'location-unsupported', retryable: false,
    sentence: 'The voice service is not available in your country.',
  },
  // https://discuss.ai.google.dev/t/178035: one message, or one question, is refused; the session is still there.
  {
    code: 1007, phases: ['live', 'leaving'], as: 'message-refused',
    sentence: 'The voice service could not process that. Please start again and try something else.',
  },
  // frontier-on-cloud/gemini-live-resume-test, FINDINGS.md, probe P1: refused 44 ms after a setup with an unknown field.
  { code: 1007, as: 'setup-refused', retryable: false, sentence: MISCONFIGURED },
  // kazunori279/interpretab, README.md, "Session expiry": closed 50.4 s after a `goAway` of 50 s.
  { code: 1008, phases: ['leaving'], as: 'connection-ended', sentence: CLOSED },
  // https://ai.google.dev/gemini-api/docs/live-api/session-management: a handle is valid for two hours.
  {
    code: 1008, words: /session (not found|expired)|resumption handle/i, as: 'context-lost',
    sentence: 'This conversation can no longer be continued. Please start a new one.',
  },
  // https://github.com/google-gemini/cookbook/issues/821, https://github.com/googleapis/js-genai/issues/600
  {
    code: 1008, words: /is not found|unregistered callers|api key/i, as: 'setup-refused', retryable: false,
    sentence: MISCONFIGURED,
  },
  // https://github.com/googleapis/js-genai/issues/1236: in the middle of a conversation, often around tool calls.
  {
    code: 1008, as: 'conversation-refused',
    sentence: 'The voice service ended the conversation. Please start again and try rephrasing.',
  },
  // https://ai.google.dev/gemini-api/docs/live-api/ephemeral-tokens: `uses` and `expireTime`.
  {
    code: 1011, words: /token.*(used|expire|not found)|expired.*token/i, as: 'token-ended',
    sentence: 'The time for this conversation is up. Start again to continue.',
  },
  // https://github.com/kizuna-ai-lab/sokuji/issues/179
  { code: 1011, words: /deadline expired/i, as: 'connection-ended', sentence: CLOSED },
  // frontier-on-cloud/gemini-live-resume-test, FINDINGS.md: "Internal error encountered." where a resume comes too soon
  // after the end of the last connection, or while the server still holds that one.
  {
    code: 1011, phases: ['resume'], as: 'resume-refused',
    sentence: 'This conversation cannot be continued at the moment. Please start again.',
  },
];

/**
 * @param {number} code of the close frame (RFC 6455, section 7.4); 1006 where there was none
 * @param {string} reason
 * @param {Phase} phase
 * @returns {LiveError | null} null for a normal end
 */
export function explainClose(code, reason, phase) {
  if (code === 1000 || code === 1005) return null;
  const close = { code, reason };
  const meaning = MEANINGS.find(
    (row) => (row.code ?? code) === code && (row.words?.test(reason) ?? true) && (row.phases?.includes(phase) ?? true),
  );
  const { as, sentence, retryable = true } = meaning ?? UNKNOWN;
  return new LiveError(as, sentence, { retryable, close });
}

const FIRST_MS = 500;
const LONGEST_MS = 10_000;
const MOST = 9;
const STABLE_MS = 10_000;
// A handle is dropped after so many sessions that ended this soon after resuming by it, or after so many refusals.
const QUICK_MS = 5000;
const MOST_DEATHS = 2;
const MOST_REFUSALS = 3;

// After a drop that it has seen, the Live API refuses to resume an idle conversation for a second or so (measured in
// frontier-on-cloud/gemini-live-resume-test, FINDINGS.md: at once 0 of 12, a second after the refusal 11 of 11). After one
// that it has not seen, it refuses for as long as anybody has tried (568 of 568, over 15 minutes).
const TOO_SOON_MS = 1000;
const ONCE_MORE_MS = 250;

// These say nothing about the handle.
const NO_FAULT_OF_A_HANDLE = new Set(['connection-lost', 'connection-ended', 'token-ended']);

/**
 * How a session began: with nothing, by a handle, or by being told what was said before.
 * @typedef {'fresh' | 'resumed' | 'rebuilt'} Way
 */

/** Counts attempts to reconnect, and connections that end soon after one. */
export class Retries {
  #random;
  /** Since the last stable connection: each makes the next wait longer. */
  #attempts = 0;
  /** Since the last connection that lasted a while: too many are the end. */
  #inVain = 0;
  /** Of sessions that had just been resumed or rebuilt, since the last stable connection. */
  #deaths = 0;
  /** Of the present handle, since it was last accepted. */
  #refusals = 0;
  /** Whether a message was refused since the last stable connection. */
  #refused = false;

  /** @param {() => number} [random] from 0 to 1 */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /**
   * @param {LiveError} error why the last attempt failed, or the connection ended
   * @param {boolean} resumes whether the next one uses a handle
   * @returns {number | null} milliseconds until the next attempt; null to give up
   */
  next({ code, retryAfter = 0 }, resumes) {
    const attempt = this.#attempts;
    this.#attempts += 1;
    this.#inVain += 1;
    if (this.#inVain > MOST) return null;
    if (resumes && code === 'resume-refused') {
      return (this.#refusals > 1 ? ONCE_MORE_MS : TOO_SOON_MS) * (1 + 0.25 * this.#random());
    }
    const wait = attempt === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
    return Math.max(retryAfter * 1000, wait * (0.75 + 0.5 * this.#random()));
  }

  /** @param {number} milliseconds for which a connection was live, however it ended */
  lived(milliseconds) {
    if (milliseconds > 0) this.#refusals = 0;
    if (milliseconds >= QUICK_MS) this.#inVain = 0;
    if (milliseconds < STABLE_MS) return;
    this.#attempts = 0;
    this.#deaths = 0;
    this.#refused = false;
  }

  /**
   * @param {LiveError} error what ended a connection
   * @param {{way: Way, lasted: number}} connection `lasted`: milliseconds since `setupComplete`, 0 without
   * @returns {'handle' | 'context' | null} what not to use again: its handle, or even what was said
   */
  blame(error, { way, lasted }) {
    this.lived(lasted);
    const early = lasted < QUICK_MS;
    if (error.code === 'context-lost') return 'handle';
    if (error.code === 'message-refused') {
      // What is refused again is in the context, and would be refused in every session that knows it.
      const again = this.#refused || (way === 'rebuilt' && early);
      this.#refused = !again;
      return again ? 'context' : null;
    }
    // What no attempt can help says nothing about the handle either.
    if (!worthRetrying(error) && error.code !== 'setup-refused') return null;
    const hung = error.code === 'setup-overdue';
    if (way === 'fresh' || !early || NO_FAULT_OF_A_HANDLE.has(error.code) || !(error.close || hung)) return null;
    // The setup was accepted before; only the handle is new.
    if (error.code === 'setup-refused') return 'handle';
    if (lasted > 0) this.#deaths += 1;
    else this.#refusals += hung ? 2 : 1;
    // Whether it took in what it was told is not known. What it was told may be the cause.
    if (way === 'rebuilt') return this.#deaths < MOST_DEATHS ? 'handle' : 'context';
    if (this.#deaths < MOST_DEATHS && this.#refusals < MOST_REFUSALS) return null;
    // A fresh session has nothing to wait for.
    this.#deaths = 0;
    this.#refusals = 0;
    this.#attempts = 0;
    return 'handle';
  }
}
