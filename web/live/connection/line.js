/** Keeps one conversation alive over many connections: renews them ahead of their end, and resumes after a drop. */

import { pause, steadyClock } from '../clock.js';
import { Connection } from './connection.js';
import { asLiveError, offline, pathLost } from '../errors.js';
import { Held } from './held.js';
import { deviceNetwork, onceOnline } from './network.js';
import { Renewal } from './renewal.js';
import { Retries, worthRetrying } from './retries.js';
import { Tenure } from './tenure.js';
import { Unanswered } from './unanswered.js';

// After these refusals the conversation may use up what was granted before.
const LAST_WORDS = new Set(['lease-over', 'budget-spent']);

/** @typedef {import('../errors.js').LiveError} LiveError */
/** @typedef {import('./token-source.js').DatedGrant} DatedGrant */
/** @typedef {import('./token-source.js').RebuildForm} RebuildForm */

/**
 * @typedef {object} LineListeners
 * @property {(event: import('./protocol.js').ServerEvent) => void} hear
 * @property {() => boolean} [waits] whether the model waits for the page, and owes no answer
 * @property {() => string[]} preface the frames that a new connection needs before the held ones
 * @property {() => void} resuming the connection is gone; an answer that was being spoken stops
 * @property {(name: 'open' | 'setup', milliseconds: number) => void} [timed] called with how long a connection took
 * @property {(frame: string) => void} [sent] called for each frame that is given to a connection
 * @property {(form: RebuildForm) => {turns: number, frames: string[], empty: boolean}} [rebuild] what to tell a fresh
 *   session, which takes the place of a lost one
 * @property {(resumption: Resumption) => void} resumed there is a new connection; what was held follows
 * @property {(rebuilding: Rebuilding) => void} [rebuilt] the same, by a fresh session that is told what was said before
 * @property {(error: LiveError | null) => void} ended called once
 *
 * @typedef {object} Resumption
 * @property {boolean} planned it was renewed ahead of its end
 * @property {boolean} contextLost the model no longer knows what was said
 * @property {number} gap milliseconds without a connection
 *
 * @typedef {{planned: boolean, gap: number, turns: number}} Rebuilding `turns`: how many of the last ones it is told
 */

/**
 * Frames are held while there is no connection, and follow in order. What was given to a connection is never sent again,
 * because nobody can know whether it was heard.
 */
export class Line {
  #tenure;
  #listeners;
  #signal;
  #transport;
  #clock;
  #network;
  #retries;
  #unanswered;
  #held = new Held((frame) => this.#send(frame));
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Renewal | null} */
  #renewal = null;
  /** A connection is being replaced; how the old one ends does not matter. */
  #replacing = false;
  /** Waits for the network only if it was seen to go: a device without one may reach a local service. */
  #wentOffline = false;
  /** @type {import('./retries.js').Way} */
  #way = 'fresh';
  /** @type {number | null} */
  #liveSince = null;
  #goneAt = 0;
  /** Why this connection is the last. @type {LiveError | null} */
  #lastWord = null;

  /**
   * @param {import('./token-source.js').TokenSource} tokens
   * @param {LineListeners} listeners
   * @param {object} options
   * @param {AbortSignal} options.signal ends everything, including the lease
   * @param {import('./connection.js').Transport} [options.transport]
   * @param {import('../clock.js').Clock} [options.clock]
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
    this.#unanswered = new Unanswered(clock, () => listeners.waits?.() ?? false, () => this.#dropped(pathLost()));
    signal.addEventListener('abort', () => this.#close(), { once: true });
    network.on('offline', () => this.#lose(), signal);
  }

  get features() {
    return this.#tenure.grant?.features ?? null;
  }

  /** What the token fixes, if the service says so. */
  get locked() {
    return this.#tenure.grant?.locked;
  }

  /** When the conversation ends, as far as is known, by the clock. */
  get endsAt() {
    if (this.#lastWord) return this.#renewal?.endsAt ?? Infinity;
    return this.#tenure.grant?.leaseEndsAt ?? Infinity;
  }

  /** Whether anything is waiting to be sent. */
  get busy() {
    return this.#held.holding || this.#connection === null || this.#connection.backlog > 0;
  }

  /**
   * Gets the first token.
   * @param {import('./token-source.js').Choice} choice
   * @throws {LiveError}
   */
  obtain(choice) {
    return this.#tenure.begin(choice);
  }

  /**
   * Connects with it.
   * @throws {LiveError} without a retry, this first time
   */
  async open() {
    const { grant } = this.#tenure;
    if (grant === null) throw new TypeError('obtain() comes first');
    this.#replacing = true;
    await this.#connect(grant, null);
    this.#replacing = false;
  }

  /** @param {string} frame sent in order, and held while there is no connection */
  say(frame) {
    this.#held.say(frame);
  }

  /** @param {string} frame an answer to a tool call, which stays valid over connections */
  answer(frame) {
    this.#held.answer(frame);
  }

  /** @param {string} frame that only this connection can use: sent at once, or dropped */
  sayNow(frame) {
    if (this.#liveSince !== null) this.#send(frame);
  }

  /** @param {number} milliseconds of a voice in the microphone, while no answer is played */
  spoke(milliseconds) {
    if (!this.#held.holding) this.#unanswered.spoke(milliseconds);
  }

  /** @param {string} frame */
  #send(frame) {
    this.#connection?.send(frame);
    this.#listeners.sent?.(frame);
    this.#unanswered.sent(frame);
    this.#renewal?.sent();
  }

  /** @param {DatedGrant} grant @param {string | null} handle that `grant.setup` resumes by */
  async #connect(grant, handle) {
    this.#renewal?.close();
    const many = this.#renewal?.manyHandles ?? false;
    this.#liveSince = null;
    this.#way = handle === null ? 'fresh' : 'resumed';
    const connection = new Connection(
      grant,
      {
        receive: (event) => this.#hear(event),
        arrived: () => this.#unanswered.received(),
        ended: (error) => this.#dropped(error),
      },
      { resumes: handle !== null, transport: this.#transport, clock: this.#clock },
    );
    this.#connection = connection;
    const renewal = new Renewal(this.#clock, { handle, many }, () => connection.roundTrip, {
      hold: () => this.#hold(),
      release: () => this.#held.release(),
      replace: (latest) => void this.#replace(connection, latest),
    });
    this.#renewal = renewal;
    await connection.ready.catch((/** @type {LiveError} */ error) => {
      if (error.code === 'resume-refused') this.#tenure.keep(grant, handle);
      throw error;
    });
    this.#signal.throwIfAborted();
    this.#tenure.use(grant);
    this.#liveSince = this.#clock.now();
    this.#unanswered.begin(this.features?.transcripts === true);
    this.#listeners.timed?.('open', connection.opening);
    this.#listeners.timed?.('setup', connection.roundTrip);
    renewal.expect(grant.endsAt, 'token');
  }

  /** @param {import('./protocol.js').ServerEvent} event */
  #hear(event) {
    this.#unanswered.read(event);
    if (event.kind === 'handle') this.#renewal?.offer(event.handle);
    else if (event.kind === 'go-away') this.#renewal?.expect(this.#clock.now() + event.milliseconds, 'announced');
    else {
      this.#listeners.hear(event);
      // These say nothing about whether the answer continues.
      if (event.kind === 'usage' || event.kind === 'voice-activity') return;
      this.#renewal?.heard(event.kind !== 'turn-complete');
    }
  }

  #hold() {
    this.#held.hold(this.#listeners.preface);
  }

  /**
   * Replaces a connection as planned: the old one stays until there is a token for the next.
   * @param {Connection} old
   * @param {string | null} handle
   */
  async #replace(old, handle) {
    this.#replacing = true;
    try {
      const grant = await this.#tenure.next(handle, this.#renewal?.endsAt ?? 0, true);
      this.#leave();
      await old.retire();
      await this.#connect(grant, handle);
      this.#arrive({ planned: true, fresh: handle === null, forget: false });
    } catch (cause) {
      if (this.#signal.aborted) return;
      const error = asLiveError(cause);
      const leaving = old.closed || !this.#network.online() || (worthRetrying(error) && this.#renewal?.last);
      if (this.#connection !== old || leaving) this.#recover(error, { planned: error.code === 'resume-refused' });
      else this.#keep(error);
    }
  }

  /**
   * Stays on the present connection, because there is no token for another.
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

  /** @param {LiveError | null} error why the connection ended; null for a normal end */
  #dropped(error) {
    if (this.#replacing || this.#liveSince === null) return;
    if (this.#lastWord || error === null) this.#listeners.ended(this.#lastWord);
    else this.#recover(error);
  }

  /**
   * Reconnects after a drop, or after a planned end, until it works or cannot work any more.
   * @param {LiveError} error
   * @param {{planned: boolean}} [end]
   */
  async #recover(error, { planned } = { planned: false }) {
    const lived = this.#liveSince === null ? 0 : this.#clock.now() - this.#liveSince;
    let handle = this.#renewal?.handle ?? null;
    let forget = false;
    let end = { way: this.#way, lasted: lived };
    this.#replacing = true;
    this.#renewal?.close();
    this.#hold();
    this.#leave();
    void this.#connection?.retire();
    for (;;) {
      const blamed = this.#retries.blame(error, end);
      if (blamed) handle = null;
      else if (!worthRetrying(error)) break;
      forget ||= blamed === 'context';
      if (error.code === 'token-ended') this.#tenure.spent();
      const wait = this.#retries.next(error, handle !== null);
      if (wait === null) break;
      try {
        await pause(this.#clock, wait, this.#signal);
        if (this.#wentOffline) await onceOnline(this.#network, this.#signal);
        await this.#connection?.retire();
        const grant = await this.#tenure.next(handle, this.#clock.now(), !forget);
        await this.#connect(grant, handle);
        this.#arrive({ planned, fresh: handle === null, forget });
        return;
      } catch (cause) {
        if (this.#signal.aborted) return;
        error = asLiveError(cause);
        end = { way: handle === null ? 'fresh' : 'resumed', lasted: 0 };
      }
    }
    this.#listeners.ended(error);
  }

  #leave() {
    if (this.#liveSince === null) return;
    this.#goneAt = this.#clock.now();
    this.#retries.lived(this.#goneAt - this.#liveSince);
    this.#liveSince = null;
    this.#unanswered.end();
    this.#listeners.resuming();
  }

  /**
   * @param {{planned: boolean, fresh: boolean, forget: boolean}} way `fresh`: without a handle; `forget`: then not told
   *   what was said before either
   */
  #arrive({ planned, fresh, forget }) {
    this.#replacing = false;
    const gap = this.#clock.now() - this.#goneAt;
    const form = fresh && !forget ? this.#tenure.rebuild : undefined;
    const told = form && this.#listeners.rebuild?.(form);
    if (told && !told.empty) {
      this.#way = 'rebuilt';
      this.#listeners.rebuilt?.({ planned, gap, turns: told.turns });
    } else {
      this.#listeners.resumed({ planned, contextLost: fresh && !told, gap });
    }
    this.#held.goOn(fresh ? (told?.frames ?? []) : undefined);
  }

  #close() {
    this.#renewal?.close();
    this.#unanswered.end();
    this.#connection?.close();
    this.#liveSince = null;
    this.#tenure.end();
  }
}
