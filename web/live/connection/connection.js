/** One socket to the Live API: opened with a grant, live at `setupComplete`, closed with a reason or by its signal. */

import { LiveError, asLiveError, hungUp, pathLost } from '../errors.js';
import { pause, steadyClock } from '../waiting.js';
import { Heartbeat } from './path.js';
import { readFrame, setupFrame } from './protocol.js';

const SETUP_LIMIT_MS = 10_000;
const CLOSING_LIMIT_MS = 2000;

/** @typedef {(address: string) => WebSocket} Transport */

/**
 * What a connection was doing when it was closed: `setup` and `resume` are before `setupComplete`, without and with a
 * handle; `leaving` is after `goAway`.
 * @typedef {'setup' | 'resume' | 'live' | 'leaving'} Phase
 */

/** A socket opens with any credential; only `setupComplete` proves that the token was accepted. */
export class Connection {
  #socket;
  #listeners;
  #signal;
  #clock;
  #heartbeat;
  #cancelLimit;
  #madeAt;
  #openedAt = 0;
  #liveAt = Infinity;
  #roundTrip = 0;
  /** @type {Phase | 'over'} */
  #phase;
  /** @type {() => void} */
  #accept = () => {};
  /** @type {(error: unknown) => void} */
  #refuse = () => {};
  /** @type {(error: LiveError | Promise<LiveError> | null) => void} */
  #settle = () => {};
  /** Aborts when the socket is closed by both sides. */
  #closed = new AbortController();
  /** @type {Promise<void> | undefined} */
  #retired;

  /**
   * @param {import('./token-source.js').Grant} grant
   * @param {object} listeners
   * @param {() => void} [listeners.live] called at `setupComplete`, before the events that follow it
   * @param {(event: import('./protocol.js').ServerEvent) => void} listeners.receive
   * @param {() => void} [listeners.arrived] called for each frame, before its events
   * @param {(failed: boolean) => void} [listeners.ended] called once, and only for an end after `setupComplete` that is
   *   not our own; not `failed` for a normal one
   * @param {object} options
   * @param {AbortSignal} options.signal hangs up
   * @param {boolean} [options.resumes] whether the setup resumes by a handle
   * @param {Transport} [options.transport]
   * @param {import('../waiting.js').Clock} [options.clock]
   * @throws the signal's reason if it has aborted
   */
  constructor(
    grant,
    listeners,
    { signal, resumes = false, transport = (address) => new WebSocket(address), clock = steadyClock },
  ) {
    signal.throwIfAborted();
    this.#listeners = listeners;
    this.#signal = signal;
    this.#clock = clock;
    this.#phase = resumes ? 'resume' : 'setup';
    this.#madeAt = clock.now();
    this.#heartbeat = new Heartbeat(clock, () => this.backlog, () => this.fail(pathLost()));
    /** @type {Promise<void>} resolves at `setupComplete`; rejects with what prevented it */
    this.ready = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
    this.ready.catch(() => {});
    /** @type {Promise<LiveError | null>} resolves with why it ended; null for a normal end, and our own */
    this.ended = new Promise((resolve) => (this.#settle = resolve));
    // The slash stays unescaped, as in the addresses that Google's SDK opens.
    const credential = encodeURIComponent(grant.token).replaceAll('%2F', '/');
    this.#socket = transport(`${grant.websocket_url}?access_token=${credential}`);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onopen = () => {
      this.#openedAt = clock.now();
      this.#socket.send(setupFrame(grant.setup));
    };
    this.#socket.onmessage = ({ data }) => this.#read(data);
    this.#socket.onclose = ({ code, reason }) => {
      this.#closed.abort();
      if (this.#phase === 'over') return;
      const normal = code === 1000 || code === 1005;
      this.#end(normal ? null : explained(code, reason, this.#phase));
    };
    this.#cancelLimit = clock.after(SETUP_LIMIT_MS, () => this.fail(overdue()));
    signal.addEventListener('abort', this.close);
  }

  /** Bytes given to `send` that have not been transmitted yet. */
  get backlog() {
    return this.#socket.bufferedAmount;
  }

  /** Milliseconds until the socket was open. */
  get opening() {
    return this.#openedAt - this.#madeAt;
  }

  /** Milliseconds from the setup to its answer: an upper bound for a round trip. */
  get roundTrip() {
    return this.#roundTrip;
  }

  /** Milliseconds since `setupComplete`; 0 before it. */
  get age() {
    return Math.max(0, this.#clock.now() - this.#liveAt);
  }

  /** @param {string} frame */
  send(frame) {
    if (this.#phase === 'over') return;
    this.#socket.send(frame);
    this.#heartbeat.sent(frame.length);
  }

  /** Hangs up; no listener is called from here on. */
  close = () => {
    if (this.#phase === 'over') return;
    this.#finish();
    this.#refuse(this.#signal.reason ?? hungUp());
    this.#settle(null);
    this.#socket.close(1000);
  };

  /** Hangs up because the connection is of no use any more. @param {LiveError} error why */
  fail(error) {
    if (this.#phase === 'over') return;
    this.#end(error);
    this.#socket.close(1000);
  }

  /**
   * Hangs up, and waits for the other side's close frame: it has then read all that was sent, and the conversation can
   * be resumed. A dead connection never answers; it is given up after two seconds, or when the signal aborts.
   * @returns {Promise<void>}
   */
  retire() {
    this.close();
    const enough = AbortSignal.any([this.#signal, this.#closed.signal]);
    this.#retired ??= pause(this.#clock, CLOSING_LIMIT_MS, enough).catch(() => {});
    return this.#retired;
  }

  /** @param {string | ArrayBuffer} frame */
  #read(frame) {
    if (this.#isOver) return;
    this.#heartbeat.received();
    this.#listeners.arrived?.();
    try {
      for (const event of readFrame(frame)) {
        if (this.#isOver) return;
        if (event.kind === 'go-away') this.#phase = 'leaving';
        if (event.kind === 'setup-complete') this.#complete();
        else this.#listeners.receive(event);
      }
    } catch (error) {
      if (!(error instanceof LiveError)) throw error;
      this.fail(error);
    }
  }

  get #isOver() {
    return this.#phase === 'over';
  }

  #complete() {
    this.#cancelLimit();
    this.#phase = 'live';
    this.#liveAt = this.#clock.now();
    this.#roundTrip = this.#liveAt - this.#openedAt;
    try {
      this.#listeners.live?.();
      this.#accept();
    } catch (cause) {
      this.#refuse(asLiveError(cause));
      this.close();
    }
  }

  /** @param {LiveError | Promise<LiveError> | null} error */
  #end(error) {
    const wasLive = this.#phase === 'live' || this.#phase === 'leaving';
    this.#finish();
    if (wasLive) this.#listeners.ended?.(error !== null);
    else Promise.resolve(error).then((known) => this.#refuse(known ?? refused()));
    this.#settle(error);
  }

  #finish() {
    this.#phase = 'over';
    this.#heartbeat.end();
    this.#cancelLimit();
    this.#signal.removeEventListener('abort', this.close);
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
  }
}

/**
 * Without the file that explains closes, the connection counts as lost: no path, or another release by now.
 * @param {number} code @param {string} reason @param {Phase} phase
 * @returns {LiveError | Promise<LiveError>}
 */
function explained(code, reason, phase) {
  const lost = Object.assign(pathLost(), { close: { code, reason } });
  if (code === 1006) return lost;
  return import('./recovery.js').then(({ explainClose }) => explainClose(code, reason, phase) ?? lost, () => lost);
}

function overdue() {
  const sentence = 'The voice service did not answer in time. Please try again.';
  return new LiveError('setup-overdue', sentence, { retryable: true });
}

function refused() {
  const sentence = 'The voice service closed the connection before the conversation began. Please try again.';
  return new LiveError('setup-unanswered', sentence, { retryable: true });
}
