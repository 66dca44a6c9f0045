/** How long to wait between attempts, and when to stop: patient with a network, never with a refusal. */

const FIRST_MS = 500;
const LONGEST_MS = 10_000;
const MOST = 9;
const STABLE_MS = 10_000;
// A handle is dropped after two sessions that died within this time of resuming by it. A refusal to resume weighs less:
// the service may only be slow to see that the old connection is gone.
const QUICK_MS = 5000;
const DEATH = 5;
const REFUSAL = 2;
const MOST_BLAME = 10;

// The service calls these retryable, and they are: tomorrow, or once another conversation is over.
const FINAL = new Set(['budget-spent', 'too-many-at-once']);
// They say nothing about what a handle stands for.
const NO_FAULT_OF_A_HANDLE = new Set(['connection-lost', 'connection-ended', 'token-ended']);
// Who is asked to wait longer than this is told so instead.
const LONGEST_ASKED_S = 30;

/** @typedef {import('./errors.js').LiveError} LiveError */

/** @param {LiveError} error @returns {boolean} whether trying once more can help */
export const worthRetrying = (error) =>
  error.retryable && !FINAL.has(error.code) && (error.retryAfter ?? 0) <= LONGEST_ASKED_S;

/** @param {LiveError} error @returns {boolean} whether the service itself did not come to an answer */
export const outOfReach = (error) => error.code === 'token-service-unreachable' || (error.status ?? 0) >= 500;

/** Counts the attempts to come back, and the deaths soon after coming back. */
export class Retries {
  #random;
  /** Since the last connection that was stable: they make the next wait longer. */
  #attempts = 0;
  /** Since the last connection that was of any use: after too many of them there is no next. */
  #inVain = 0;
  #blame = 0;

  /** @param {() => number} [random] from 0 to 1 */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /**
   * @param {number} [atLeast] milliseconds that somebody asked us to wait
   * @returns {number | null} milliseconds until the next attempt, the first at once; null when there were enough
   */
  next(atLeast = 0) {
    const attempt = this.#attempts;
    this.#attempts += 1;
    this.#inVain += 1;
    if (this.#inVain > MOST) return null;
    if (attempt === 0) return atLeast;
    const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
    return Math.max(atLeast, wait * (0.75 + 0.5 * this.#random()));
  }

  /**
   * @param {LiveError} error what ended a connection
   * @param {{resumed: boolean, lasted: number}} connection `lasted`: milliseconds since `setupComplete`, 0 without
   * @returns {boolean} whether its handle is to be dropped
   */
  blame(error, { resumed, lasted }) {
    if (lasted >= QUICK_MS) this.#inVain = 0;
    if (lasted >= STABLE_MS) {
      this.#attempts = 0;
      this.#blame = 0;
    }
    if (error.code === 'context-lost') return true;
    if (!resumed || !error.close || lasted >= QUICK_MS || NO_FAULT_OF_A_HANDLE.has(error.code)) return false;
    // The setup was good before; what is new in it is the handle.
    if (error.code === 'setup-refused') return true;
    this.#blame += lasted > 0 ? DEATH : REFUSAL;
    if (this.#blame < MOST_BLAME) return false;
    this.#blame = 0;
    return true;
  }
}
