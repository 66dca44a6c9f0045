/** Backoff between attempts to reconnect, and when to stop: retries a bad network, never a refusal. */

const FIRST_MS = 500;
const LONGEST_MS = 10_000;
const MOST = 9;
const STABLE_MS = 10_000;
// A handle is dropped after two sessions that ended this soon after resuming by it. A refusal to resume counts for less:
// the service may only be slow to notice that the old connection is gone.
const QUICK_MS = 5000;
const DEATH = 5;
const REFUSAL = 2;
const MOST_BLAME = 10;

// After a drop that it has seen, the Live API refuses to resume an idle conversation for a second or so (measured in
// frontier-on-cloud/gemini-live-resume-test, FINDINGS.md: at once 0 of 12, a second after the refusal 11 of 11).
const TOO_SOON_MS = 1000;

// These say nothing about the handle.
const NO_FAULT_OF_A_HANDLE = new Set(['connection-lost', 'connection-ended', 'token-ended']);
// A longer wait than this is an error instead.
const LONGEST_ASKED_S = 30;

/** @typedef {import('../errors.js').LiveError} LiveError */

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
  #blame = 0;
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
    const tooSoon = resumes && code === 'resume-refused' ? TOO_SOON_MS * (1 + 0.25 * this.#random()) : 0;
    const wait = attempt === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
    return Math.max(retryAfter * 1000, tooSoon, wait * (0.75 + 0.5 * this.#random()));
  }

  /** @param {number} milliseconds for which a connection was live, however it ended */
  lived(milliseconds) {
    if (milliseconds >= QUICK_MS) this.#inVain = 0;
    if (milliseconds < STABLE_MS) return;
    this.#attempts = 0;
    this.#blame = 0;
    this.#refused = false;
  }

  /**
   * @param {LiveError} error what ended a connection
   * @param {{resumed: boolean, lasted: number}} connection `lasted`: milliseconds since `setupComplete`, 0 without
   * @returns {boolean} whether to drop its handle
   */
  blame(error, { resumed, lasted }) {
    this.lived(lasted);
    if (error.code === 'context-lost') return true;
    if (error.code === 'message-refused') {
      // What is refused again is in the context, and would be refused in every connection that resumes it.
      const again = this.#refused;
      this.#refused = !again;
      return again;
    }
    if (!resumed || !error.close || lasted >= QUICK_MS || NO_FAULT_OF_A_HANDLE.has(error.code)) return false;
    // The setup was accepted before; only the handle is new.
    if (error.code === 'setup-refused') return true;
    this.#blame += lasted > 0 ? DEATH : REFUSAL;
    if (this.#blame < MOST_BLAME) return false;
    // A fresh session has nothing to wait for.
    this.#blame = 0;
    this.#attempts = 0;
    return true;
  }
}
