/** One conversation over as many connections as it takes: renewed ahead of their end, resumed after a drop. */

import { pause, steadyClock } from './clock.js';
import { Connection } from './connection.js';
import { asLiveError, offline } from './errors.js';
import { Held } from './held.js';
import { deviceNetwork, onceOnline } from './network.js';
import { Renewal } from './renewal.js';
import { Retries, worthRetrying } from './retries.js';
import { Tenure } from './tenure.js';

// Refused by these, a conversation may still use up what was granted before.
const LAST_WORDS = new Set(['lease-over', 'budget-spent']);

/** @typedef {import('./errors.js').LiveError} LiveError */
/** @typedef {import('./token-source.js').DatedGrant} DatedGrant */

/**
 * @typedef {object} LineListeners
 * @property {(happening: import('./protocol.js').Happening) => void} hear
 * @property {() => string[]} preface what a new connection has to be told before what is held back from now on
 * @property {() => void} resuming the connection is gone; what it was saying will not go on
 * @property {(name: 'open' | 'setup', milliseconds: number) => void} [timed] how long a connection took
 * @property {(resumption: Resumption) => void} resumed there is another; what was held follows
 * @property {(error: LiveError | null) => void} ended told once
 *
 * @typedef {object} Resumption
 * @property {boolean} planned it was renewed ahead of its end
 * @property {boolean} contextLost the model knows nothing of what was said
 * @property {number} gap milliseconds without a connection
 */

/**
 * What is said while there is no connection is held, and follows in order; what was given to a connection is never said
 * again, for nobody can know whether it was heard.
 */
export class Line {
  #tenure;
  #listeners;
  #signal;
  #transport;
  #clock;
  #network;
  #retries;
  #held = new Held((frame) => this.#send(frame));
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Renewal | null} */
  #renewal = null;
  /** A connection is being replaced; how the old one ends is of no interest. */
  #replacing = false;
  /** Only a network that was seen to go is waited for: a device without one may reach a service of its own. */
  #wentOffline = false;
  #resumed = false;
  /** @type {number | null} */
  #liveSince = null;
  #goneAt = 0;
  /** Why nothing follows this connection. @type {LiveError | null} */
  #lastWord = null;

  /**
   * @param {import('./token-source.js').TokenSource} tokens
   * @param {LineListeners} listeners
   * @param {object} options
   * @param {AbortSignal} options.signal ends everything, and gives the conversation's place back
   * @param {import('./connection.js').Transport} [options.transport]
   * @param {import('./clock.js').Clock} [options.clock]
   * @param {import('./network.js').Network} [options.network]
   * @param {Retries} [options.retries]
   */
  constructor(
    tokens,
    listeners,
    { signal, transport, clock = steadyClock, network = deviceNetwork, retries = new Retries() },
  ) {
    this.#tenure = new Tenure(tokens, signal);
    this.#listeners = listeners;
    this.#signal = signal;
    this.#transport = transport;
    this.#clock = clock;
    this.#network = network;
    this.#retries = retries;
    signal.addEventListener('abort', () => this.#close(), { once: true });
    network.on('offline', () => this.#lose(), signal);
  }

  get features() {
    return this.#tenure.grant?.features ?? null;
  }

  /** What the token holds the conversation to, where the service says it. */
  get locked() {
    return this.#tenure.grant?.locked;
  }

  /** When the conversation is over by what is known now, by the clock. */
  get endsAt() {
    if (this.#lastWord) return this.#renewal?.endsAt ?? Infinity;
    return this.#tenure.grant?.leaseEndsAt ?? Infinity;
  }

  /** Whether anything is waiting to leave. */
  get busy() {
    return this.#held.holding || this.#connection === null || this.#connection.backlog > 0;
  }

  /**
   * Asks for the first token.
   * @param {import('./token-source.js').Choice} choice
   * @throws {LiveError}
   */
  obtain(choice) {
    return this.#tenure.begin(choice);
  }

  /**
   * Connects with it.
   * @throws {LiveError} this first time, nothing is tried again
   */
  async open() {
    const { grant } = this.#tenure;
    if (grant === null) throw new TypeError('obtain() comes first');
    this.#replacing = true;
    await this.#connect(grant, null);
    this.#replacing = false;
  }

  /** @param {string} frame said in order, and held while there is no connection */
  say(frame) {
    this.#held.say(frame);
  }

  /** @param {string} frame of use to this connection only: said at once, or not at all */
  sayNow(frame) {
    if (this.#liveSince !== null) this.#send(frame);
  }

  /** @param {string} frame */
  #send(frame) {
    this.#connection?.send(frame);
    this.#renewal?.sent();
  }

  /** @param {DatedGrant} grant @param {string | null} handle that `grant.setup` resumes by */
  async #connect(grant, handle) {
    this.#renewal?.close();
    this.#liveSince = null;
    this.#resumed = handle !== null;
    const connection = new Connection(
      grant,
      { hear: (happening) => this.#hear(happening), ended: (error) => this.#dropped(error) },
      this.#transport,
      this.#clock,
    );
    this.#connection = connection;
    const renewal = new Renewal(this.#clock, handle, () => connection.roundTrip, {
      hold: () => this.#hold(),
      release: () => this.#held.release(),
      replace: (latest) => void this.#replace(connection, latest),
    });
    this.#renewal = renewal;
    await connection.ready;
    this.#signal.throwIfAborted();
    this.#tenure.use(grant);
    this.#liveSince = this.#clock.now();
    this.#listeners.timed?.('open', connection.opening);
    this.#listeners.timed?.('setup', connection.roundTrip);
    renewal.expect(grant.endsAt, 'token');
  }

  /** @param {import('./protocol.js').Happening} happening */
  #hear(happening) {
    if (happening.kind === 'handle') this.#renewal?.offer(happening.handle);
    else if (happening.kind === 'go-away') this.#renewal?.expect(this.#clock.now() + happening.milliseconds, 'announced');
    else {
      this.#listeners.hear(happening);
      // A bill says nothing about whether the answer goes on.
      if (happening.kind !== 'usage') this.#renewal?.heard(happening.kind !== 'turn-complete');
    }
  }

  #hold() {
    this.#held.hold(this.#listeners.preface);
  }

  /**
   * The planned way: the old connection stays until there is a token for the next.
   * @param {Connection} old
   * @param {string | null} handle
   */
  async #replace(old, handle) {
    this.#replacing = true;
    try {
      const grant = await this.#tenure.next(handle, this.#renewal?.endsAt ?? 0);
      this.#leave();
      await old.retire();
      await this.#connect(grant, handle);
      this.#arrive({ planned: true, contextLost: handle === null });
    } catch (cause) {
      if (this.#signal.aborted) return;
      const error = asLiveError(cause);
      const leaving = old.closed || !this.#network.online() || (worthRetrying(error) && this.#renewal?.last);
      if (this.#connection !== old || leaving) this.#recover(error);
      else this.#keep(error);
    }
  }

  /**
   * There is no token for a next connection; the present one is good until its end.
   * @param {LiveError} error
   */
  #keep(error) {
    this.#replacing = false;
    if (!worthRetrying(error) && !LAST_WORDS.has(error.code)) {
      this.#listeners.ended(error);
      return;
    }
    this.#held.release();
    if (worthRetrying(error)) this.#renewal?.postpone();
    else this.#lastWord = error;
  }

  #lose() {
    this.#wentOffline = true;
    this.#dropped(offline());
  }

  /** @param {LiveError | null} error what ended the connection; null where it ended in peace */
  #dropped(error) {
    if (this.#replacing || this.#liveSince === null) return;
    if (this.#lastWord || error === null) this.#listeners.ended(this.#lastWord);
    else this.#recover(error);
  }

  /**
   * The unplanned way: again and again, until it works or cannot any more.
   * @param {LiveError} error
   */
  async #recover(error) {
    const lived = this.#liveSince === null ? 0 : this.#clock.now() - this.#liveSince;
    let handle = this.#renewal?.handle ?? null;
    let death = { resumed: this.#resumed, lasted: lived };
    this.#replacing = true;
    this.#renewal?.close();
    this.#hold();
    this.#leave();
    void this.#connection?.retire();
    for (;;) {
      if (this.#retries.blame(error, death)) handle = null;
      else if (!worthRetrying(error)) break;
      if (error.code === 'token-ended') this.#tenure.spent();
      const wait = this.#retries.next((error.retryAfter ?? 0) * 1000);
      if (wait === null) break;
      try {
        await pause(this.#clock, wait, this.#signal);
        if (this.#wentOffline) await onceOnline(this.#network, this.#signal);
        await this.#connection?.retire();
        const grant = await this.#tenure.next(handle, this.#clock.now());
        await this.#connect(grant, handle);
        this.#arrive({ planned: false, contextLost: handle === null });
        return;
      } catch (cause) {
        if (this.#signal.aborted) return;
        error = asLiveError(cause);
        death = { resumed: handle !== null, lasted: 0 };
      }
    }
    this.#listeners.ended(error);
  }

  #leave() {
    if (this.#liveSince === null) return;
    this.#liveSince = null;
    this.#goneAt = this.#clock.now();
    this.#listeners.resuming();
  }

  /** @param {{planned: boolean, contextLost: boolean}} way */
  #arrive(way) {
    this.#replacing = false;
    this.#listeners.resumed({ ...way, gap: this.#clock.now() - this.#goneAt });
    this.#held.goOn();
  }

  #close() {
    this.#renewal?.close();
    this.#connection?.close();
    this.#liveSince = null;
    this.#tenure.end();
  }
}
