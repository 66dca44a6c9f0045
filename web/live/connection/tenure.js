/** A conversation's grants: the current token, and the next one. */

import { LiveError } from '../errors.js';
import { outOfReach } from './retries.js';
import { resuming } from './token-source.js';

// A token with less time left than this is not used for a connection.
const SPARE_MS = 3000;

/** @typedef {import('./token-source.js').DatedGrant} DatedGrant */
/** @typedef {import('./token-source.js').Choice} Choice */

/** Gets the first grant by the page's choice, and the others by its lease. */
export class Tenure {
  #tokens;
  #signal;
  /** @type {Choice} */
  #choice = {};
  /** @type {DatedGrant | null} */
  #grant = null;
  /** Refused only because it came too soon. @type {{grant: DatedGrant, handle: string | null} | null} */
  #unused = null;

  /** @param {import('./token-source.js').TokenSource} tokens @param {AbortSignal} signal */
  constructor(tokens, signal) {
    this.#tokens = tokens;
    this.#signal = signal;
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
    this.#grant = await this.#tokens.grant(choice, this.#signal);
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
      if (lease === undefined) return resuming(await this.#tokens.grant(this.#choice, this.#signal), handle);
      const fresh = rebuild && this.rebuild ? { lease, rebuild: /** @type {const} */ (true) } : { lease };
      const request = handle === null ? fresh : { lease, resumption_handle: handle };
      return { lease, ...(await this.#tokens.grant(request, this.#signal)) };
    } catch (error) {
      const reusable = inHand.endsAt > from + SPARE_MS && opens(inHand, handle);
      if (reusable && error instanceof LiveError && outOfReach(error)) return resuming(inHand, handle);
      throw error;
    }
  }

  /** @param {DatedGrant} grant that a connection has gone live with */
  use(grant) {
    // A reused grant stays as it was minted: the handle that we add to its setup is not locked.
    if (grant.token !== this.#grant?.token) this.#grant = grant;
  }

  /** @param {DatedGrant} grant that can still be used for this handle @param {string | null} handle */
  keep(grant, handle) {
    this.#unused = { grant, handle };
  }

  /** Marks the current token as no longer accepted by the Live API. */
  spent() {
    if (this.#grant) this.#grant = { ...this.#grant, endsAt: -Infinity };
  }

  /** Ends the lease. */
  end() {
    if (this.#grant) this.#tokens.end(this.#grant);
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
