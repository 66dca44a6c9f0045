/** A `ResumableConnection` between a scripted token service and scripted sockets, for tests by clock. */

import { LiveError } from '../../../../web/live/errors.js';
import { ResumableConnection } from '../../../../web/live/connection/resumable-connection.js';
import { Retries } from '../../../../web/live/connection/recovery.js';
import { TokenSource } from '../../../../web/live/connection/token-source.js';
import { TestClock } from '../../test-clock.js';

const GRANT = { websocket_url: 'wss://voice.test/live', setup: { model: 'models/m' }, expires_in: 300, lease: 'lease' };
export const unreachable = () => new LiveError('token-service-unreachable', 'Out of reach.', { retryable: true });
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The server's side of a socket. */
export class Socket {
  bufferedAmount = 0;
  /** @type {any[]} */
  sent = [];
  closing = false;
  /** @type {((event: object) => void) | null} */
  onopen = null;
  /** @type {((event: object) => void) | null} */
  onmessage = null;
  /** @type {((event: object) => void) | null} */
  onclose = null;
  #took;

  /** @param {(frame: string) => void} took */
  constructor(took) {
    this.#took = took;
  }

  /** @param {string} frame */
  send(frame) {
    this.#took(frame);
    this.sent.push(frame.startsWith('{"setup"') ? JSON.parse(frame) : frame);
  }

  close() {
    this.closing = true;
  }

  /** @param {object} message */
  receive(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** @param {string | null} handle */
  offer(handle) {
    this.receive({ sessionResumptionUpdate: handle ? { newHandle: handle, resumable: true } : { resumable: false } });
  }

  /** @param {number} code @param {string} [reason] */
  async ends(code, reason = '') {
    this.onclose?.({ code, reason });
    await settled();
  }

  /** Opens, and is closed in answer to the setup. @param {number} code @param {string} reason */
  async refuses(code, reason) {
    this.onopen?.({});
    await this.ends(code, reason);
  }

  async accept() {
    this.onopen?.({});
    this.receive({ setupComplete: {} });
    await settled();
  }
}

/** A line whose token service and Live API are scripted by the test. */
export class Scene {
  clock = new TestClock();
  /** @type {Socket[]} */
  sockets = [];
  /** @type {any[]} */
  requests = [];
  /** @type {(LiveError | object)[]} the next answers of `POST /token`, in place of grants */
  answers = [];
  /** @type {string[]} */
  told = [];
  /** @type {LiveError | null | undefined} */
  error;
  ends = 0;
  /** Milliseconds without a connection, as the page is told. @type {number[]} */
  gaps = [];
  /** The longest time from a chunk of the microphone to the socket, in milliseconds. */
  longestHeld = 0;
  /** Of tokens, in seconds. */
  life = GRANT.expires_in;
  /** @type {string | undefined} */
  lease = GRANT.lease;
  /** @type {import('../../../../web/live/connection/token-source.js').Features | undefined} */
  features;
  ending = new AbortController();
  online = true;
  /** Whether the model waits for the page. */
  waits = false;
  network = new EventTarget();
  /** What a fresh session is told. */
  history = { turns: 2, frames: ['what was said'], empty: false };
  /** In which forms. @type {string[]} */
  forms = [];
  /** Given to a connection, over all of them. @type {string[]} */
  sent = [];

  constructor() {
    const tokens = new TokenSource(
      async (request) => {
        this.requests.push(request);
        const answer = (await this.answers.shift()) ?? {};
        if (answer instanceof LiveError) throw answer;
        return { ...GRANT, lease: this.lease, features: this.features, token: `auth_tokens/${this.requests.length}`, expires_in: this.life, end: () => (this.ends += 1), ...answer };
      },
      { clock: this.clock },
    );
    this.connection = new ResumableConnection(
      tokens,
      {
        receive: ({ kind }) => this.told.push(kind),
        waits: () => this.waits,
        prologue: () => [],
        resuming: () => this.told.push('resuming'),
        sent: (frame) => this.sent.push(frame),
        rebuild: (form) => {
          this.forms.push(form);
          return this.history;
        },
        rebuilt: ({ planned, gap, turns }) => {
          this.told.push(`rebuilt${planned ? ' as planned' : ''}, ${turns} turns`);
          this.gaps.push(gap);
        },
        resumed: ({ planned, contextLost, gap }) => {
          this.told.push(`${planned ? 'renewed' : 'resumed'}${contextLost ? ', context lost' : ''}`);
          this.gaps.push(gap);
        },
        ended: (error) => {
          this.told.push('ended');
          this.error = error;
          this.ending.abort(error);
        },
      },
      {
        signal: this.ending.signal,
        clock: this.clock,
        retries: new Retries(() => 0.5),
        network: {
          online: () => this.online,
          on: (type, listener, signal) => this.network.addEventListener(type, listener, { signal }),
        },
        transport: () => {
          const socket = new Socket((frame) => {
            const [, at] = frame.match(/^chunk at (\d+)/) ?? [];
            if (at !== undefined) this.longestHeld = Math.max(this.longestHeld, this.clock.now() - Number(at));
          });
          this.sockets.push(socket);
          return /** @type {WebSocket} */ (/** @type {unknown} */ (socket));
        },
      },
    );
  }

  get socket() {
    return /** @type {Socket} */ (this.sockets.at(-1));
  }

  async start() {
    await this.connection.obtain({ profile: 'p' });
    const opened = this.connection.open();
    await this.socket.accept();
    await opened;
    return this;
  }

  /** @param {number} milliseconds in which the server says nothing */
  async pass(milliseconds) {
    this.clock.pass(milliseconds);
    await settled();
  }

  /**
   * A quiet room: the microphone sends 50 chunks a second, and the model has nothing to answer. Each new connection is
   * accepted and given its one handle, as by gemini-3.8-live.
   * @param {number} milliseconds
   */
  async listen(milliseconds) {
    for (let passed = 0; passed < milliseconds; passed += 20) {
      this.connection.sendSound(`chunk at ${this.clock.now()}`);
      this.clock.pass(20);
      await settled();
      if (this.told.at(-1) !== 'resuming') continue;
      const { closing, sent } = this.socket;
      if (closing) await this.socket.ends(1000);
      if (sent.length === 0) await this.acceptWithHandle();
    }
  }

  /** Refuses a resume, as the Live API does for a second or so after a connection has ended. */
  async refuse() {
    this.socket.onopen?.({});
    await this.pass(500);
    await this.socket.ends(1011, 'Internal error encountered.');
  }

  async acceptWithHandle() {
    await this.socket.accept();
    this.socket.offer(`handle ${this.sockets.length}`);
  }

  /** @param {'online' | 'offline'} type */
  async goes(type) {
    this.online = type === 'online';
    this.network.dispatchEvent(new Event(type));
    await settled();
  }
}
