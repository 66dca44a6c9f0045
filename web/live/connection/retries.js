/** Backoff between attempts to reconnect, and when to stop: retries a bad network, never a refusal. */

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
// A longer wait than this is an error instead.
const LONGEST_ASKED_S = 30;

/** @typedef {import('../errors.js').LiveError} LiveError */

/**
 * How a session began: with nothing, by a handle, or by being told what was said before.
 * @typedef {'fresh' | 'resumed' | 'rebuilt'} Way
 */

/** @param {LiveError} error @returns {boolean} whether another attempt can help */
export const worthRetrying = (error) =>
  error.retryable && (error.retryAfter ?? 0) <= LONGEST_ASKED_S;

/** @param {LiveError} error @returns {boolean} whether the token service itself did not answer */
export const outOfReach = (error) => error.code === 'token-service-unreachable' || (error.status ?? 0) >= 500;

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
