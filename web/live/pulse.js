/** A path that dies without a word: noticed by the silence of a server that otherwise speaks every second. */

/** @typedef {import('./clock.js').Clock} Clock */

// A live session sends a handle every 1.2 s. Six in a row are not late, they are gone.
export const SILENCE_MS = 8000;
// A page that was asleep finds its timers overdue and its messages not read yet: they get so long to be read.
const WAKING_MS = 1500;

/** Watches for silence from the first handle on: only who has sent those can be missed. */
export class Pulse {
  #clock;
  #stopped;
  #feltAt = -Infinity;
  /** @type {(() => void) | null} */
  #takeBack = null;

  /** @param {Clock} clock @param {() => void} stopped told once, after `SILENCE_MS` without a frame */
  constructor(clock, stopped) {
    this.#clock = clock;
    this.#stopped = stopped;
  }

  /** A frame has come. */
  felt() {
    this.#feltAt = this.#clock.now();
  }

  /** From now on there is always a next frame. */
  begin() {
    if (this.#takeBack === null) this.#wait(SILENCE_MS);
  }

  /** Silence means nothing any more. */
  end() {
    this.#takeBack?.();
    this.#takeBack = null;
    this.#stopped = () => {};
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    const due = this.#clock.now() + milliseconds;
    this.#takeBack = this.#clock.after(milliseconds, () => this.#look(due));
  }

  /** @param {number} due when it was to be looked, by the clock */
  #look(due) {
    const now = this.#clock.now();
    const left = this.#feltAt + SILENCE_MS - now;
    if (left > 0) this.#wait(left);
    else if (now - due > WAKING_MS) this.#wait(WAKING_MS);
    else this.#stopped();
  }
}
