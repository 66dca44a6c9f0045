/** One socket to the Live API: opened with a grant, live at `setupComplete`, closed with a reason. */

import { steadyClock } from '../clock.js';
import { explainClose } from './close-codes.js';
import { LiveError, hungUp, pathLost } from '../errors.js';
import { readFrame, setupFrame } from './protocol.js';
import { Pulse } from './pulse.js';

const SETUP_LIMIT_MS = 10_000;
const CLOSING_LIMIT_MS = 2000;

/** @typedef {(address: string) => WebSocket} Transport */

/**
 * A socket opens with any credential; only `setupComplete` proves that the token was accepted.
 */
export class Connection {
  #socket;
  #receive;
  #arrived;
  #ended;
  #clock;
  /** @type {(() => void) | undefined} */
  #dropLimit;
  #madeAt;
  #pulse;
  #openedAt = 0;
  #roundTrip = 0;
  /** @type {import('./close-codes.js').Phase} */
  #phase;
  /** @type {() => void} */
  #accept = () => {};
  /** @type {(error: LiveError) => void} */
  #refuse = () => {};
  #over = false;
  #closed = false;
  /** @type {Promise<void> | undefined} */
  #retired;

  /**
   * @param {import('./token-source.js').Grant} grant
   * @param {object} listeners
   * @param {(event: import('./protocol.js').ServerEvent) => void} listeners.receive
   * @param {() => void} [listeners.arrived] called for each frame, before its events
   * @param {(error: LiveError | null) => void} listeners.ended called once, and only for an end after `setupComplete`
   * @param {object} [options]
   * @param {boolean} [options.resumes] whether the setup resumes by a handle
   * @param {Transport} [options.transport]
   * @param {import('../clock.js').Clock} [options.clock]
   */
  constructor(
    grant,
    { receive, arrived = () => {}, ended },
    { resumes = false, transport = (address) => new WebSocket(address), clock = steadyClock } = {},
  ) {
    this.#clock = clock;
    this.#phase = resumes ? 'resume' : 'setup';
    this.#madeAt = clock.now();
    this.#receive = receive;
    this.#arrived = arrived;
    this.#ended = ended;
    this.#pulse = new Pulse(clock, () => this.backlog, () => this.#fail(pathLost()));
    /** @type {Promise<void>} resolves at `setupComplete`; rejects with what prevented it */
    this.ready = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
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
      this.#closed = true;
      this.#end(explainClose(code, reason, this.#phase));
    };
    this.#dropLimit = clock.after(SETUP_LIMIT_MS, () => this.#fail(overdue()));
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

  /** Whether the socket is closed. */
  get closed() {
    return this.#closed;
  }

  /** @param {string} frame */
  send(frame) {
    this.#socket.send(frame);
    this.#pulse.sent(frame.length);
  }

  /** Hangs up; neither listener is called from here on. */
  close() {
    this.#forget();
    this.#refuse(hungUp());
    this.#socket.close(1000);
  }

  /**
   * Hangs up, and waits for the other side's close frame: it has then read all that was sent, and the conversation can
   * be resumed. A dead connection never answers; it is given up after two seconds.
   * @returns {Promise<void>}
   */
  retire() {
    this.#retired ??= this.#retire();
    return this.#retired;
  }

  /** @returns {Promise<void>} */
  #retire() {
    this.close();
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const takeBack = this.#clock.after(CLOSING_LIMIT_MS, resolve);
      this.#socket.onclose = () => {
        this.#closed = true;
        takeBack();
        resolve();
      };
    });
  }

  /** @param {string | ArrayBuffer} frame */
  #read(frame) {
    this.#pulse.received();
    this.#arrived();
    try {
      for (const event of readFrame(frame)) {
        if (this.#over) return;
        if (event.kind === 'go-away') this.#phase = 'leaving';
        if (event.kind === 'setup-complete') this.#complete();
        else this.#receive(event);
      }
    } catch (error) {
      if (!(error instanceof LiveError)) throw error;
      this.#fail(error);
    }
  }

  #complete() {
    this.#dropLimit?.();
    this.#dropLimit = undefined;
    this.#phase = 'live';
    this.#roundTrip = this.#clock.now() - this.#openedAt;
    this.#accept();
  }

  /** @param {LiveError} error */
  #fail(error) {
    this.#end(error);
    this.#socket.close(1000);
  }

  /** @param {LiveError | null} error */
  #end(error) {
    const wasReady = this.#dropLimit === undefined;
    this.#forget();
    if (wasReady) this.#ended(error);
    else this.#refuse(error ?? refused());
  }

  #forget() {
    this.#over = true;
    this.#pulse.end();
    this.#dropLimit?.();
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
  }
}

function overdue() {
  const sentence = 'The voice service did not answer in time. Please try again.';
  return new LiveError('setup-overdue', sentence, { retryable: true });
}

function refused() {
  const sentence = 'The voice service closed the connection before the conversation began. Please try again.';
  return new LiveError('setup-unanswered', sentence, { retryable: true });
}
