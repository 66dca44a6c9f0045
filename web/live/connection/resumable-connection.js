/** Keeps one conversation alive over many connections: replaces them ahead of their end, and resumes after a drop. */

import { asLiveError, importOrFail, offline, pathLost } from '../errors.js';
import { pause, steadyClock } from '../waiting.js';
import { Connection } from './connection.js';
import { Handover, Outbox } from './handover.js';
import { deviceNetwork, onceOnline } from './path.js';
import { endsTurn, isAside } from './protocol.js';
import { Grants, worthRetrying } from './reconnecting.js';

// After these refusals the conversation may use up what was granted before.
const LAST_WORDS = new Set(['lease-over', 'budget-spent']);
// Chunks of 20 ms: ten seconds before the first connection, and a minute in an outage. What is older is of no use.
const FIRST_SOUND = 500;
const MOST_SOUND = 3000;

/** @typedef {import('../errors.js').LiveError} LiveError */
/** @typedef {import('./recovery.js').Retries} Retries */
/** @typedef {import('./token-source.js').DatedGrant} DatedGrant */
/** @typedef {import('./token-source.js').RebuildForm} RebuildForm */

/**
 * What is sent is held while `connecting`, while `holding` (there is a connection, and it is about to be replaced) and
 * while `resuming`. No other connection follows the one that is `last`.
 * @typedef {'connecting' | 'live' | 'holding' | 'last' | 'resuming' | 'over'} Phase
 */

/**
 * @typedef {object} ResumableConnectionListeners
 * @property {(event: import('./protocol.js').ServerEvent) => void} receive
 * @property {() => boolean} [waits] whether the model waits for the page, and owes no answer
 * @property {() => void} [live] there is a first connection; what was held follows
 * @property {() => string[]} prologue the frames that a new connection needs before the held ones
 * @property {() => void} resuming the connection is gone; an answer that was being spoken stops
 * @property {(name: 'open' | 'setup', milliseconds: number) => void} [timed] called with how long a connection took
 * @property {(frame: string) => void} [sent] called for each frame that is given to a connection
 * @property {(form: RebuildForm) => {turns: number, frames: string[], empty: boolean} | undefined} [rebuild] what to tell a
 *   fresh session, which takes the place of a lost one, if that is known
 * @property {(resumption: Resumption) => void} resumed there is a new connection; what was held follows
 * @property {(rebuilding: Rebuilding) => void} [rebuilt] the same, by a fresh session that is told what was said before
 * @property {(error: LiveError | null) => void} ended called once, and not after an abort
 *
 * @typedef {object} Resumption
 * @property {boolean} planned it was renewed ahead of its end
 * @property {boolean} contextLost the model no longer knows what was said
 * @property {number} gap milliseconds without a connection
 *
 * @typedef {{planned: boolean, gap: number, turns: number}} Rebuilding `turns`: how many of the last ones it is told
 */

/**
 * One loop follows each connection to its end and opens the next. What was given to a connection is never sent again,
 * because nobody can know whether it was received.
 */
export class ResumableConnection {
  #grants;
  #listeners;
  #signal;
  #transport;
  #clock;
  #network;
  #retries;
  /** Loaded once the first connection is live. @type {import('./recovery.js').Unanswered | null} */
  #unanswered = null;
  /** What asked for an answer before that was loaded. */
  #asked = '';
  #outbox = new Outbox();
  /** @type {Phase} */
  #phase = 'connecting';
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Handover | null} */
  #handover = null;
  /** Resolves with the handle to replace the present connection by. @type {Promise<{handle: string | null}>} */
  #due = new Promise(() => {});
  /** @type {(handle: string | null) => void} */
  #replace = () => {};
  /** What a new connection needs before what is held. @type {string[]} */
  #prologue = [];
  /** Waits for the network only if it was seen to go: a device without one may reach a local service. */
  #wentOffline = false;
  /** @type {import('./recovery.js').Way} */
  #way = 'fresh';
  #left;
  #goneAt = 0;

  /**
   * @param {import('./token-source.js').TokenSource} tokens
   * @param {ResumableConnectionListeners} listeners
   * @param {object} options
   * @param {AbortSignal} options.signal ends everything, including the lease
   * @param {import('./token-source.js').Continuation | null} [options.left] what another page left to this one
   * @param {import('./connection.js').Transport} [options.transport]
   * @param {import('../waiting.js').Clock} [options.clock]
   * @param {import('./path.js').Network} [options.network]
   * @param {Retries} [options.retries]
   */
  constructor(
    tokens,
    listeners,
    { signal, left = null, transport, clock = steadyClock, network = deviceNetwork, retries },
  ) {
    this.#grants = new Grants(tokens, signal, left);
    this.#left = left;
    this.#listeners = listeners;
    this.#signal = signal;
    this.#transport = transport;
    this.#clock = clock;
    this.#network = network;
    this.#retries = retries;
    signal.addEventListener('abort', () => this.#end(), { once: true });
    network.on('offline', () => this.#lose(), signal);
  }

  get features() {
    return this.#grants.grant?.features ?? null;
  }

  /** The right to continue this conversation. */
  get lease() {
    return this.#grants.grant?.lease;
  }

  /** What the token fixes, if the service says so. */
  get locked() {
    return this.#grants.grant?.locked;
  }

  /** When the conversation ends, as far as is known, by the clock. */
  get endsAt() {
    return (this.#phase === 'last' ? this.#handover?.endsAt : this.#grants.grant?.leaseEndsAt) ?? Infinity;
  }

  /** Whether anything is waiting to be sent. */
  get busy() {
    return !this.#sends || (this.#connection?.backlog ?? 0) > 0;
  }

  /**
   * Gets the first token.
   * @param {import('./token-source.js').Choice} choice
   * @throws {LiveError}
   */
  obtain(choice) {
    return this.#grants.begin(choice);
  }

  /**
   * Connects with it, and stays connected until the signal aborts or `ended` is called.
   * @throws {LiveError} without a retry, this first time, unless the conversation began on another page
   */
  async open() {
    const { grant } = this.#grants;
    if (grant === null) throw new TypeError('obtain() comes first');
    if (this.#left) await this.#open(null, this.#handle, Promise.resolve(grant));
    else await this.#connect(grant, null, () => this.#listeners.live?.());
    this.#prepare(null).catch(() => {});
    void this.#run();
  }

  /** @returns {import('./token-source.js').Continuation | null} what another page needs; the lease is not ended then */
  leave() {
    return this.#grants.leave(this.#handle);
  }

  get #handle() {
    return this.#handover?.handle ?? this.#left?.resumption_handle ?? null;
  }

  /** @param {import('./handover.js').Frame} frame sent in order, and held while there is no connection */
  send(frame) {
    if (this.#sends) this.#transmit(frame);
    else this.#outbox.add(frame);
  }

  /** @param {string} frame 20 ms of sound; of what is held, the oldest is dropped after a while */
  sendSound(frame) {
    if (this.#sends) this.#transmit(frame);
    else this.#outbox.addSound(frame, this.#phase === 'connecting' ? FIRST_SOUND : MOST_SOUND);
  }

  /** @param {string} frame an answer to a tool call, which stays valid over connections */
  sendAnswer(frame) {
    if (this.#sends) this.#transmit(frame);
    else this.#outbox.addAnswer(frame);
  }

  /** @param {string} frame that only this connection can use: sent at once, or dropped */
  sendNow(frame) {
    if (this.#sends) this.#transmit(frame);
  }

  /** @param {number} milliseconds of a voice in the microphone, while no answer is played */
  spoke(milliseconds) {
    if (this.#sends) this.#unanswered?.spoke(milliseconds);
  }

  get #sends() {
    return this.#phase === 'live' || this.#phase === 'last';
  }

  /** @param {import('./handover.js').Frame} made */
  #transmit(made) {
    const frame = typeof made === 'string' ? made : made();
    if (frame === '') return;
    this.#connection?.send(frame);
    this.#listeners.sent?.(frame);
    if (this.#unanswered) this.#unanswered.sent(frame);
    else if (endsTurn(frame)) this.#asked = frame;
    this.#handover?.sent();
  }

  /** Follows one connection after another, until the conversation ends. */
  async #run() {
    /** @type {LiveError | null} */
    let error = null;
    try {
      while (await this.#succeed());
    } catch (cause) {
      error = asLiveError(cause);
    }
    if (!this.#signal.aborted) this.#listeners.ended(error);
  }

  /**
   * Follows a connection until it ends or is due to be replaced, and opens the next.
   * @returns {Promise<boolean>} false after a normal end
   * @throws {LiveError} what ends the conversation
   */
  async #succeed() {
    const connection = /** @type {Connection} */ (this.#connection);
    const handover = /** @type {Handover} */ (this.#handover);
    const ended = connection.ended.then((error) => ({ error }));
    for (;;) {
      const due = await Promise.race([ended, this.#due]);
      if ('error' in due) return due.error !== null && this.#open(due.error, handover.handle);
      const { handle } = due;
      const minting = this.#grants.next(handle, handover.endsAt, true);
      const minted = minting.then(() => ({ error: null }), (/** @type {unknown} */ cause) => ({ refusal: asLiveError(cause) }));
      const result = await Promise.race([ended, minted]);
      this.#signal.throwIfAborted();
      // After a drop, the token that is on its way is used all the same. A normal end is only early.
      if ('error' in result) return this.#open(result.error, handle, minting);
      const { refusal } = result;
      if (worthRetrying(refusal)) {
        if (handover.last) return this.#open(refusal, handle);
        this.#arm();
        this.#release('live');
        handover.postpone();
      } else {
        // The present connection may be used up, if the refusal allows that.
        if (LAST_WORDS.has(refusal.code)) {
          this.#release('last');
          await ended;
        }
        throw refusal;
      }
    }
  }

  /**
   * Leaves the present connection and opens the next, until it works or cannot work any more.
   * @param {LiveError | null} error why the present one is of no use; null where it is replaced as planned
   * @param {string | null} handle
   * @param {Promise<DatedGrant>} [minting] for this handle
   * @returns {Promise<true>}
   * @throws {LiveError}
   */
  async #open(error, handle, minting) {
    let planned = error === null;
    let forget = false;
    let end = { way: this.#way, lasted: this.#connection?.age ?? 0 };
    this.#leave();
    void this.#connection?.retire();
    const retries = await this.#prepare(error);
    retries.lived(end.lasted);
    for (;;) {
      if (error) {
        const blamed = retries.blame(error, end);
        if (!blamed && !worthRetrying(error)) throw error;
        if (blamed) handle = null;
        if (blamed || error.code === 'token-ended') minting = undefined;
        forget ||= blamed === 'context';
        if (error.code === 'token-ended') this.#grants.expire();
        const wait = retries.next(error, handle !== null);
        if (wait === null) throw error;
        await pause(this.#clock, wait, this.#signal);
        if (this.#wentOffline) await onceOnline(this.#network, this.#signal);
      }
      try {
        await this.#connection?.retire();
        const way = { planned, fresh: handle === null, forget };
        const next = () => this.#grants.next(handle, this.#clock.now(), !way.forget);
        // A request that failed while the network was gone says nothing.
        const grant = await (minting?.catch(next) ?? next());
        await this.#connect(grant, handle, () => this.#arrive(way));
        return true;
      } catch (cause) {
        this.#signal.throwIfAborted();
        error = asLiveError(cause);
        planned &&= error.code === 'resume-refused';
        minting = undefined;
        end = { way: handle === null ? 'fresh' : 'resumed', lasted: 0 };
      }
    }
  }

  /**
   * @param {DatedGrant} grant
   * @param {string | null} handle that `grant.setup` resumes by
   * @param {() => string[] | void} arrive called when it is live; returns what a fresh session is told before all else
   * @throws the signal's reason, or a LiveError
   */
  async #connect(grant, handle, arrive) {
    const connection = new Connection(
      grant,
      {
        live: () => {
          this.#grants.use(grant);
          this.#unanswered?.begin(this.features?.transcripts === true);
          this.#listeners.timed?.('open', connection.opening);
          this.#listeners.timed?.('setup', connection.roundTrip);
          const introduction = arrive();
          // The page may have hung up.
          if (this.#phase === 'over') return;
          const frames = [...(introduction ?? []), ...this.#prologue];
          // A session that has to be told something does not know the calls.
          this.#flush('live', frames, !introduction);
          handover.expect(grant.endsAt, 'token');
        },
        receive: (event) => this.#receive(event),
        arrived: () => {
          this.#asked = '';
          this.#unanswered?.received();
        },
        // A normal end, and the end of the last connection, are the end of the conversation.
        ended: (failed) => failed && this.#phase !== 'last' && this.#leave(),
      },
      { signal: this.#signal, resumes: handle !== null, transport: this.#transport, clock: this.#clock },
    );
    const many = this.#handover?.manyHandles;
    const handover = new Handover(this.#clock, { handle, many }, () => connection.roundTrip, {
      hold: () => this.#hold(),
      release: () => this.#release('live'),
      replace: (latest) => this.#replace(latest),
    });
    this.#handover?.close();
    this.#handover = handover;
    this.#connection = connection;
    this.#way = handle === null ? 'fresh' : 'resumed';
    this.#arm();
    await connection.ready.catch((/** @type {LiveError} */ error) => {
      if (error.code === 'resume-refused') this.#grants.keep(grant, handle);
      throw error;
    });
  }

  /**
   * Loads what reconnects.
   * @param {LiveError | null} error that ends the conversation where this fails
   * @throws {LiveError}
   */
  async #prepare(error) {
    const { Retries, Unanswered } = await importOrFail(import('./recovery.js')).catch((cause) => {
      throw error ?? cause;
    });
    this.#retries ??= new Retries();
    if (this.#unanswered) return this.#retries;
    const waits = () => this.#listeners.waits?.() ?? false;
    this.#unanswered = new Unanswered(this.#clock, waits, () => this.#connection?.fail(pathLost()));
    if (this.#sends) this.#unanswered.begin(this.features?.transcripts === true);
    this.#unanswered.sent(this.#asked);
    return this.#retries;
  }

  /** The connection may become due to be replaced, once. */
  #arm() {
    this.#due = new Promise((resolve) => (this.#replace = (handle) => resolve({ handle })));
  }

  /** @param {import('./protocol.js').ServerEvent} event */
  #receive(event) {
    this.#unanswered?.read(event);
    if (event.kind === 'handle') this.#handover?.offer(event.handle);
    else if (event.kind === 'go-away') this.#handover?.expect(this.#clock.now() + event.milliseconds, 'announced');
    else {
      this.#listeners.receive(event);
      if (isAside(event)) return;
      this.#handover?.received(event.kind !== 'turn-complete');
    }
  }

  #hold() {
    if (this.#phase !== 'live') return;
    this.#phase = 'holding';
    this.#prologue = this.#listeners.prologue();
  }

  /** Sends what was held over the same connection. @param {'live' | 'last'} phase */
  #release(phase) {
    if (this.#phase === 'holding') this.#flush(phase);
  }

  /**
   * @param {'live' | 'last'} phase
   * @param {string[]} [introduction] sent first
   * @param {boolean} [answers] whether the session knows the calls
   */
  #flush(phase, introduction, answers) {
    this.#phase = phase;
    for (const frame of this.#outbox.take(introduction, answers)) this.#transmit(frame);
  }

  #lose() {
    this.#wentOffline = true;
    if (this.#phase !== 'connecting') this.#connection?.fail(offline());
  }

  /** From here on everything is held: there is no connection, or the one there was is left. */
  #leave() {
    if (this.#phase !== 'live' && this.#phase !== 'holding') return;
    this.#hold();
    this.#phase = 'resuming';
    this.#goneAt = this.#clock.now();
    this.#handover?.close();
    this.#unanswered?.end();
    this.#listeners.resuming();
  }

  /**
   * @param {{planned: boolean, fresh: boolean, forget: boolean}} way `fresh`: without a handle; `forget`: then not told
   *   what was said before either
   * @returns {string[] | undefined} what a fresh session is told
   */
  #arrive({ planned, fresh, forget }) {
    const gap = this.#clock.now() - this.#goneAt;
    const form = fresh && !forget ? this.#grants.rebuild : undefined;
    const told = form && this.#listeners.rebuild?.(form);
    if (told && !told.empty) {
      this.#way = 'rebuilt';
      this.#listeners.rebuilt?.({ planned, gap, turns: told.turns });
    } else {
      this.#listeners.resumed({ planned, contextLost: fresh && !told, gap });
    }
    return fresh ? (told?.frames ?? []) : undefined;
  }

  #end() {
    this.#phase = 'over';
    this.#handover?.close();
    this.#unanswered?.end();
    this.#outbox.take();
    this.#grants.end();
  }
}
