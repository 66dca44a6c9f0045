/** A Live API that says what a test tells it to, for the tests of pages: no network, no key, no sound needed. */

/** @typedef {import('./token-source.js').Grant} Grant */

/**
 * Takes the place of token service and Live API: `new LiveSession({ token: script.token, transport: script.transport })`.
 * Every connection is opened and its setup accepted; all else is said by the test.
 */
export class ScriptedTransport {
  /** What the session sent, read from its frames, over all connections. @type {any[]} */
  sent = [];
  /** What was asked of the token service. @type {object[]} */
  orders = [];
  #grant;
  #answer;
  /** @type {ScriptedSocket[]} */
  #sockets = [];

  /**
   * @param {object} [script]
   * @param {Partial<Grant>} [script.grant] what `POST /token` answers, where it is not the usual; such as `features`
   * @param {(message: any) => object | object[] | void} [script.answer] what comes back for what was sent
   */
  constructor({ grant = {}, answer = () => {} } = {}) {
    this.#grant = grant;
    this.#answer = answer;
  }

  /** @param {object} order @returns {Promise<Grant>} */
  token = async (order) => {
    this.orders.push(order);
    return { token: 'auth_tokens/scripted', websocket_url: 'wss://scripted.test', setup: { model: 'models/scripted' }, ...this.#grant };
  };

  /** @type {import('./connection.js').Transport} */
  transport = () => {
    const socket = new ScriptedSocket((message) => this.#take(message));
    this.#sockets.push(socket);
    return /** @type {WebSocket} */ (/** @type {unknown} */ (socket));
  };

  /** How many connections there have been. */
  get connections() {
    return this.#sockets.length;
  }

  /** @param {...object} messages of the Live API to the session, such as `{serverContent: {turnComplete: true}}` */
  receive(...messages) {
    this.#sockets.at(-1)?.receive(messages);
  }

  /** @param {string} text that the model says, whole, as a caption without sound */
  say(text) {
    this.receive({ serverContent: { outputTranscription: { text } } }, { serverContent: { turnComplete: true } });
  }

  /** Ends the connection from the other side. @param {number} [code] 1006 is a broken line @param {string} [reason] */
  close(code = 1006, reason = '') {
    this.#sockets.at(-1)?.end(code, reason);
  }

  /** @param {any} message @returns {object[]} what comes back */
  #take(message) {
    this.sent.push(message);
    return [message.setup ? { setupComplete: {} } : [], this.#answer(message) ?? []].flat();
  }
}

/** As much of a WebSocket as a connection uses. */
class ScriptedSocket {
  binaryType = 'blob';
  bufferedAmount = 0;
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: {data: string}) => void) | null} */
  onmessage = null;
  /** @type {((event: {code: number, reason: string}) => void) | null} */
  onclose = null;
  #take;
  #open = true;

  /** @param {(message: any) => object[]} take */
  constructor(take) {
    this.#take = take;
    queueMicrotask(() => this.onopen?.());
  }

  /** @param {string} frame */
  send(frame) {
    const messages = this.#take(JSON.parse(frame));
    queueMicrotask(() => this.receive(messages));
  }

  /** @param {object[]} messages */
  receive(messages) {
    for (const message of messages) {
      if (this.#open) this.onmessage?.({ data: JSON.stringify(message) });
    }
  }

  /** @param {number} code */
  close(code) {
    queueMicrotask(() => this.end(code, ''));
  }

  /** @param {number} code @param {string} reason */
  end(code, reason) {
    if (!this.#open) return;
    this.#open = false;
    this.onclose?.({ code, reason });
  }
}
