/** Ends the conversation at the agent's wish, after its goodbye was heard; loaded where a tool is declared to do that. */

import { steadyClock } from './waiting.js';

/** How long the first word of a goodbye may take after the call. */
const WORDLESS_MS = 10_000;
/** After the last sample, for the person to take it in. */
const GRACE_MS = 300;

/** @typedef {import('./conversation.js').Observed} Observed */

/**
 * What is needed of a conversation.
 * @typedef {object} Page
 * @property {() => boolean} playing whether the answer is being played
 * @property {() => number} latency milliseconds that the device adds to that
 * @property {() => boolean} talking whether the person speaks, as far as the server knows
 * @property {() => void} ended ends the conversation
 */

/** @param {import('./conversation.js').Parts} parts @param {AbortSignal} signal */
export function attach({ sound, tools, talking, ended }, signal) {
  const farewell = new Farewell(
    {
      playing: () => sound?.speaking ?? false,
      latency: () => sound?.outputLatency ?? 0,
      talking,
      ended: () => ended(null),
    },
    signal,
  );
  tools.farewell = (waits) => farewell.call(waits);
  return farewell;
}

/**
 * A goodbye is spoken before the call, or after it: a model that does not wait for the answer has usually spoken before.
 * It gets its answer only at the end, because it would answer that. If the person goes on, the conversation does too.
 */
export class Farewell {
  #page;
  #clock;
  #signal;
  /** Whether the agent has said anything since the person did. */
  #said = false;
  #turnComplete = true;
  /**
   * A call that ends the conversation.
   * @type {{wordless: boolean, answer: () => void, refuse: (reason: Error) => void} | null}
   */
  #call = null;
  /** @type {() => void} */
  #takeBack = () => {};

  /**
   * @param {Page} page
   * @param {AbortSignal} signal
   * @param {import('./waiting.js').Clock} [clock]
   */
  constructor(page, signal, clock = steadyClock) {
    this.#page = page;
    this.#clock = clock;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#takeBack(), { once: true });
  }

  /**
   * @param {boolean} waits whether the model waits for the answer before it continues
   * @returns {Promise<void>} resolves when the call is to be answered; rejects if the conversation continues
   */
  call(waits) {
    this.#call?.answer();
    return new Promise((answer, refuse) => {
      const spoken = this.#said && !waits;
      this.#call = { wordless: !spoken && !waits, answer, refuse };
      if (waits) this.#turnComplete = false;
      if (!spoken) answer();
      this.#settle();
    });
  }

  /** @param {Observed} event after it was acted on */
  receive(event) {
    switch (event.kind) {
      case 'sound':
        this.#speaks();
        break;
      case 'transcript':
        if (event.side === 'agent') this.#speaks();
        else this.#hears(this.#page.talking());
        break;
      case 'typed':
      case 'interrupted':
        this.#hears(true);
        break;
      case 'turn-complete':
      case 'lost':
        this.#turnComplete = true;
        this.#settle();
        break;
      case 'voice-activity':
      case 'speaking':
        this.#settle();
    }
  }

  #speaks() {
    this.#said = true;
    this.#turnComplete = false;
    if (this.#call) this.#call.wordless = false;
  }

  /** @param {boolean} now whether this was said after the call: a transcript may be late */
  #hears(now) {
    if (!this.#call) this.#said = false;
    if (!this.#call || !now) return;
    this.#takeBack();
    this.#call.refuse(new Error('The user went on, so the conversation continues.'));
    this.#call = null;
    this.#said = false;
  }

  /** Ends the conversation if everything was heard. @param {boolean} [overdue] whether nothing more is to be expected */
  #settle(overdue = false) {
    if (!this.#call) return;
    const heard = this.#turnComplete && !this.#call.wordless;
    if (this.#page.playing() || this.#page.talking() || !(heard || overdue)) {
      this.#wait(WORDLESS_MS, () => this.#settle(true));
      return;
    }
    const { answer } = this.#call;
    this.#wait(this.#page.latency() + GRACE_MS, () => {
      this.#call = null;
      answer();
      // The answer is sent first, so that its progress is reported.
      this.#wait(1, () => this.#page.ended());
    });
  }

  /** @param {number} milliseconds @param {() => void} then */
  #wait(milliseconds, then) {
    this.#takeBack();
    if (!this.#signal.aborted) this.#takeBack = this.#clock.after(milliseconds, then);
  }
}
