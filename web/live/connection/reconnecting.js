/** What the next connection is opened with, and how soon: a grant, and with or without a handle after a failure. */

import { LiveError } from '../errors.js';
import { resuming } from './token-source.js';

// A token with less time left than this is not used for a connection.
const SPARE_MS = 3000;

/** @typedef {import('./token-source.js').DatedGrant} DatedGrant */
/** @typedef {import('./token-source.js').Choice} Choice */
/** @typedef {import('./token-source.js').Continuation} Continuation */

/** Gets the first grant by the page's choice, and the others by its lease. */
export class Grants {
  #tokens;
  #signal;
  /** @type {Choice} */
  #choice = {};
  /** Of a conversation that another page began, only the lease at first. @type {DatedGrant | null} */
  #grant = null;
  /** Refused only because it came too soon. @type {{grant: DatedGrant, handle: string | null} | null} */
  #unused = null;

  /** Until it is continued. */
  #left;

  /**
   * @param {import('./token-source.js').TokenSource} tokens
   * @param {AbortSignal} signal
   * @param {Continuation | null} left what another page left to this one
   */
  constructor(tokens, signal, left) {
    this.#tokens = tokens;
    this.#signal = signal;
    this.#left = left;
    if (left) this.#grant = /** @type {any} */ ({ lease: left.lease });
  }

  /** The current grant; null before there is one. */
  get grant() {
    return this.#grant;
  }

  /** How a fresh session can be told what was said before, if at all. */
  get rebuild() {
    const { lease, features } = this.#grant ?? {};
    // Without a lease there is no way to request a token for a history.
    return features?.rebuild === 'history' && lease === undefined ? undefined : features?.rebuild;
  }

  /**
   * Gets the first grant.
   * @param {Choice} choice
   * @throws {LiveError}
   */
  async begin(choice) {
    this.#choice = choice;
    const grant = await this.#tokens.grant(this.#left ?? choice, this.#signal);
    // The hang-up may have come since the source has looked.
    if (this.#signal.aborted && !this.#left) this.#tokens.end(grant);
    this.#signal.throwIfAborted();
    this.#grant = { ...this.#grant, ...grant };
  }

  /**
   * Gets the next grant: one that is still unused, or a new one. While the service is out of reach, returns the current
   * one if it can resume by this handle and has enough time left.
   * @param {string | null} handle
   * @param {number} from when it would be used, by the clock
   * @param {boolean} [rebuild] without a handle: whether the session is told what was said before, if it can be
   * @returns {Promise<DatedGrant>}
   * @throws {LiveError}
   */
  async next(handle, from, rebuild = false) {
    const inHand = /** @type {DatedGrant} */ (this.#grant);
    const { lease } = inHand;
    const unused = this.#unused;
    this.#unused = null;
    if (unused?.handle === handle && unused.grant.endsAt > from + SPARE_MS) return unused.grant;
    try {
      if (lease === undefined) return resuming(await this.#tokens.grant(this.#choice, this.#signal, true), handle);
      const fresh = rebuild && this.rebuild ? { lease, rebuild: /** @type {const} */ (true) } : { lease };
      const request = handle === null ? fresh : { lease, resumption_handle: handle };
      return { lease, ...(await this.#tokens.grant(request, this.#signal, true)) };
    } catch (error) {
      const reusable = inHand.endsAt > from + SPARE_MS && opens(inHand, handle);
      if (reusable && error instanceof LiveError && outOfReach(error)) return resuming(inHand, handle);
      throw error;
    }
  }

  /** @param {DatedGrant} grant that a connection has gone live with */
  use(grant) {
    this.#left = null;
    // A reused grant stays as it was minted: the handle that we add to its setup is not locked.
    if (grant.token !== this.#grant?.token) this.#grant = grant;
  }

  /** @param {DatedGrant} grant that can still be used for this handle @param {string | null} handle */
  keep(grant, handle) {
    this.#unused = { grant, handle };
  }

  /** Marks the current token as no longer accepted by the Live API. */
  expire() {
    if (this.#grant) this.#grant = { ...this.#grant, endsAt: -Infinity };
  }

  /**
   * Leaves the lease to another page: from here on it is not ended.
   * @param {string | null} handle
   * @returns {Continuation | null} null without a lease
   */
  leave(handle) {
    const { lease } = this.#grant ?? {};
    if (lease === undefined) return null;
    const rebuild = this.rebuild && { rebuild: /** @type {const} */ (true) };
    this.#grant = null;
    return { lease, ...(handle === null ? rebuild : { resumption_handle: handle }) };
  }

  /** Ends the lease, unless it can still be continued: a device may have failed. */
  end() {
    if (this.#grant && (!this.#left || this.#signal.reason.code === 'hung-up')) this.#tokens.end(this.#grant);
  }
}

/**
 * Whether a token can resume by this handle. Without a handle it would open a second conversation, and a token is good
 * for one; a token that was minted with an earlier handle would go back to that, and lose what was said since.
 * @param {DatedGrant} grant
 * @param {string | null} handle
 */
function opens({ lease, setup }, handle) {
  const locked = /** @type {{sessionResumption?: {handle?: string}}} */ (setup).sessionResumption?.handle;
  return handle !== null && (lease === undefined || locked === undefined || locked === handle);
}

const NO_TOKEN = new Set(['token-service-unreachable', 'token-answer-invalid', 'credential-unavailable']);
// A longer wait than this is an error instead.
const LONGEST_ASKED_S = 30;

/** Nothing but money helps an account without credit, whatever the service advises. @param {LiveError} error */
const passes = (error) => error.retryable && error.code !== 'quota-exhausted';

/** @param {LiveError} error @returns {boolean} whether another attempt can help */
export const worthRetrying = (error) => passes(error) && (error.retryAfter ?? 0) <= LONGEST_ASKED_S;

/** @param {LiveError} error @returns {boolean} whether no token can be had for a while, for no reason of its own */
export const outOfReach = (error) => passes(error) && (NO_TOKEN.has(error.code) || (error.status ?? 0) >= 500);
