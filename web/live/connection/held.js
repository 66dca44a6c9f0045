/** Buffers frames in order while there is no connection: a minute of them, and every answer to a tool call. */

// A minute of sound. After a longer outage the older part is of no use.
const MOST_HELD = 3000;

/** Sends frames at once, or holds them until there is a connection. */
export class Held {
  #send;
  /** @type {string[] | null} */
  #frames = null;
  /** @type {string[]} */
  #preface = [];
  /** @type {string[]} */
  #answers = [];

  /** @param {(frame: string) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** Whether frames are held. */
  get holding() {
    return this.#frames !== null;
  }

  /** @param {string} frame */
  say(frame) {
    if (this.#frames === null) {
      this.#send(frame);
      return;
    }
    this.#frames.push(frame);
    if (this.#frames.length > MOST_HELD) this.#frames.shift();
  }

  /** @param {string} frame an answer to a tool call: held as long as it takes, and sent before everything else */
  answer(frame) {
    if (this.#frames === null) this.#send(frame);
    else this.#answers.push(frame);
  }

  /** @param {() => string[]} preface the frames that a new connection needs before the held ones */
  hold(preface) {
    if (this.#frames !== null) return;
    this.#frames = [];
    this.#preface = preface();
  }

  /** Sends what was held over the same connection. */
  release() {
    this.#follow([]);
  }

  /**
   * Sends what was held over a new connection.
   * @param {string[]} [introduction] to a fresh session, which does not know the calls that were answered
   */
  goOn(introduction) {
    if (introduction) this.#answers = [];
    this.#follow([...(introduction ?? []), ...this.#preface]);
  }

  /** @param {string[]} preface */
  #follow(preface) {
    const frames = [...this.#answers, ...preface, ...(this.#frames ?? [])];
    this.#answers = [];
    this.#frames = null;
    for (const frame of frames) this.#send(frame);
  }
}
