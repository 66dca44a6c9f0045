/** The right to a conversation, as it is now: the token in hand, and the next one. */

import { LiveError } from './errors.js';
import { outOfReach } from './retries.js';
import { resuming } from './token-source.js';

// A token with less time left than this is not worth opening a connection with.
const SPARE_MS = 3000;

/** @typedef {import('./token-source.js').DatedGrant} DatedGrant */
/** @typedef {import('./token-source.js').Choice} Choice */

/** One conversation's grants, the first by choice and the others by its lease. */
export class Tenure {
  #tokens;
  #signal;
  /** @type {Choice} */
  #choice = {};
  /** @type {DatedGrant | null} */
  #grant = null;

  /** @param {import('./token-source.js').TokenSource} tokens @param {AbortSignal} signal */
  constructor(tokens, signal) {
    this.#tokens = tokens;
    this.#signal = signal;
  }

  /** The one in use; null before there is one. */
  get grant() {
    return this.#grant;
  }

  /**
   * The first.
   * @param {Choice} choice
   * @throws {LiveError}
   */
  async begin(choice) {
    this.#choice = choice;
    this.#grant = await this.#tokens.grant(choice, this.#signal);
  }

  /**
   * A grant to go on with; while the service is out of reach, the one in hand, if it is good for that and for a while yet.
   * @param {string | null} handle
   * @param {number} from when it would be used, by the clock
   * @returns {Promise<DatedGrant>}
   * @throws {LiveError}
   */
  async next(handle, from) {
    const inHand = /** @type {DatedGrant} */ (this.#grant);
    const { lease } = inHand;
    try {
      if (lease === undefined) return resuming(await this.#tokens.grant(this.#choice, this.#signal), handle);
      const order = handle === null ? { lease } : { lease, resumption_handle: handle };
      return { lease, ...(await this.#tokens.grant(order, this.#signal)) };
    } catch (error) {
      const reusable = inHand.endsAt > from + SPARE_MS && opens(inHand, handle);
      if (reusable && error instanceof LiveError && outOfReach(error)) return resuming(inHand, handle);
      throw error;
    }
  }

  /** @param {DatedGrant} grant that a connection has gone live with */
  use(grant) {
    // One that is used again stays as it was minted: our own wish in its setup locks nothing.
    if (grant.token !== this.#grant?.token) this.#grant = grant;
  }

  /** The Live API takes the token in hand no more. */
  spent() {
    if (this.#grant) this.#grant = { ...this.#grant, endsAt: -Infinity };
  }

  /** Gives the conversation's place back. */
  end() {
    if (this.#grant) this.#tokens.end(this.#grant);
  }
}

/**
 * Whether a token opens the conversation as of this handle. Without a handle it would be a second conversation with a
 * token that is good for one; and one that was minted with an earlier handle goes back to that, and forgets the rest.
 * @param {DatedGrant} grant
 * @param {string | null} handle
 */
function opens({ lease, setup }, handle) {
  const locked = /** @type {{sessionResumption?: {handle?: string}}} */ (setup).sessionResumption?.handle;
  return handle !== null && (lease === undefined || locked === undefined || locked === handle);
}
