/** Acts on what the Live API tells in a conversation: what is played, shown, answered and counted. */

import { steadyClock } from './clock.js';
import { Transcript } from './transcript.js';
import { Usage } from './usage.js';

// What was on its way when a turn was cut comes within this time. Its `turnComplete` may be missing, and a turn that is
// never said to be over must not silence the ones after it.
const CUT_MS = 1000;

/** One conversation's, over all its connections. */
export class Hearing {
  #announce;
  #sound;
  #tools;
  #clock;
  #transcript = new Transcript();
  #usage = new Usage();
  /** The rest of an interrupted turn may still be arriving; nobody wants to hear it. */
  #cutUntil = -Infinity;
  /** When the person last said something that is not answered yet. @type {number | null} */
  #askedAt = null;
  #answering = false;
  /** What the answer is grounded on: titles by address. @type {Map<string, string>} */
  #sources = new Map();
  /** @type {Set<string>} */
  #queries = new Set();

  /**
   * @param {import('./typed-events.js').Announce<import('./session.js').SessionEvents>} announce
   * @param {import('./sound.js').Sound | null} sound
   * @param {import('./tools.js').Tools} tools
   * @param {import('./clock.js').Clock} [clock]
   */
  constructor(announce, sound, tools, clock = steadyClock) {
    this.#announce = announce;
    this.#sound = sound;
    this.#tools = tools;
    this.#clock = clock;
  }

  /** @param {import('./protocol.js').Happening} happening */
  hear(happening) {
    switch (happening.kind) {
      case 'sound':
        if (this.#cut) break;
        this.#usage.goOn();
        this.#sound?.play(happening.samples);
        this.#answer();
        break;
      case 'transcript':
        if (this.#cut && happening.side === 'agent') break;
        this.#usage.goOn();
        this.#announce('transcript', this.#transcript.hear(happening.side, happening.text));
        break;
      case 'sources':
        if (!this.#cut) this.#tellSources(happening);
        break;
      case 'interrupted':
        this.#cutUntil = this.#clock.now() + CUT_MS;
        this.#answering = false;
        this.#sound?.flush();
        this.#announceAll(this.#transcript.interrupt());
        this.#announce('interrupted', null);
        break;
      case 'usage':
        this.#announce('usage', this.#usage.hear(happening.metadata));
        break;
      case 'tool-call':
        this.#usage.goOn();
        this.#cutUntil = -Infinity;
        this.#tools.call(happening.calls);
        break;
      case 'tool-cancellation':
        this.#tools.cancel(happening.ids);
        break;
      // A turn that was cut has none (Live API capabilities, "Interruptions"): this one was not.
      case 'generation-complete':
        this.#cutUntil = -Infinity;
        break;
      case 'turn-complete':
        this.completeTurn();
    }
  }

  /** @param {string} text that the person typed */
  type(text) {
    this.asked();
    this.#announce('transcript', this.#transcript.type(text));
  }

  /** The person says something just now. */
  asked() {
    if (!this.#answering) this.#askedAt = this.#clock.now();
  }

  /** Nothing more belongs to this turn. */
  completeTurn() {
    this.#cutUntil = -Infinity;
    this.#usage.complete();
    this.#answering = false;
    this.#sources.clear();
    this.#queries.clear();
    this.#sound?.completeTurn();
    this.#announceAll(this.#transcript.completeTurn());
  }

  get #cut() {
    return this.#clock.now() < this.#cutUntil;
  }

  #answer() {
    if (this.#answering) return;
    this.#answering = true;
    if (this.#askedAt === null) return;
    this.#announce('timing', { name: 'first-sound', milliseconds: this.#clock.now() - this.#askedAt });
    this.#askedAt = null;
    const latency = this.#sound?.outputLatency ?? 0;
    if (latency > 0) this.#announce('timing', { name: 'output-latency', milliseconds: latency });
  }

  /** @param {{queries: string[], sources: import('./protocol.js').Source[]}} grounds */
  #tellSources({ queries, sources }) {
    for (const query of queries) this.#queries.add(query);
    for (const { url, title } of sources) this.#sources.set(url, title);
    this.#announce('sources', {
      turn: this.#transcript.turn,
      queries: [...this.#queries],
      sources: Array.from(this.#sources, ([url, title]) => ({ title, url })),
    });
  }

  /** @param {import('./transcript.js').Utterance[]} utterances */
  #announceAll(utterances) {
    for (const utterance of utterances) this.#announce('transcript', utterance);
  }
}
