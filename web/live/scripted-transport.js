/** A scripted Live API for the tests of pages: no network, no key and no sound needed. */

/** @typedef {import('./connection/token-source.js').Grant} Grant */

/**
 * Replaces the token service and the Live API: `new LiveSession({ token: script.token, transport: script.transport })`.
 * It opens every connection and accepts its setup; the test sends everything else.
 */
export class ScriptedTransport {
  /** The messages that the session sent, over all connections. @type {any[]} */
  sent = [];
  /** The requests to the token service. @type {object[]} */
  requests = [];
  #grant;
  #answer;
  /** @type {ScriptedSocket[]} */
  #sockets = [];

  /**
   * @param {object} [script]
   * @param {Partial<Grant>} [script.grant] fields of the token service's answer, such as `features`
   * @param {(message: any) => object | object[] | void} [script.answer] returns the answer to a message
   */
  constructor({ grant = {}, answer = () => {} } = {}) {
    this.#grant = grant;
    this.#answer = answer;
  }

  /** @param {object} request @returns {Promise<Grant>} */
  token = async (request) => {
    this.requests.push(request);
    return { token: 'auth_tokens/scripted', websocket_url: 'wss://scripted.test', setup: { model: 'models/scripted' }, ...this.#grant };
  };

  /** @type {import('./connection/connection.js').Transport} */
  transport = () => {
    const socket = new ScriptedSocket((message) => this.#receive(message));
    this.#sockets.push(socket);
    return /** @type {WebSocket} */ (/** @type {unknown} */ (socket));
  };

  /** The number of connections so far. */
  get connections() {
    return this.#sockets.length;
  }

  /** @param {...object} messages from the Live API, such as `{serverContent: {turnComplete: true}}` */
  receive(...messages) {
    this.#sockets.at(-1)?.receive(messages);
  }

  /** @param {string} text of a whole answer, as a transcript without sound */
  respond(text) {
    this.receive({ serverContent: { outputTranscription: { text } } }, { serverContent: { turnComplete: true } });
  }

  /** Closes the connection from the server's side. @param {number} [code] 1006 is a broken connection @param {string} [reason] */
  close(code = 1006, reason = '') {
    this.#sockets.at(-1)?.end(code, reason);
  }

  /** @param {any} message @returns {object[]} the answers */
  #receive(message) {
    this.sent.push(message);
    return [message.setup ? { setupComplete: {} } : [], this.#answer(message) ?? []].flat();
  }
}

/** The part of a WebSocket that a connection uses. */
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
