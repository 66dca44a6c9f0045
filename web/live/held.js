/** What is said while nothing can be sent: kept in order, and a minute of it at most. */

// A minute of sound; who was away for longer is not helped by what they said before that.
const MOST_HELD = 3000;

/** Frames on their way out: sent at once, or held back until there is a connection for them. */
export class Held {
  #send;
  /** @type {string[] | null} */
  #frames = null;
  /** @type {string[]} */
  #preface = [];

  /** @param {(frame: string) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** Whether anything that is said waits. */
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

  /** @param {() => string[]} preface what a new connection has to be told before what is held from now on */
  hold(preface) {
    if (this.#frames !== null) return;
    this.#frames = [];
    this.#preface = preface();
  }

  /** The connection that was there is still there. */
  release() {
    this.#follow([]);
  }

  /** There is a new connection. */
  goOn() {
    this.#follow(this.#preface);
  }

  /** @param {string[]} preface */
  #follow(preface) {
    const frames = [...preface, ...(this.#frames ?? [])];
    this.#frames = null;
    for (const frame of frames) this.#send(frame);
  }
}
