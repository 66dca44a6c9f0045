/** Acts on the Live API's events: plays, transcribes, answers and counts. */

import { steadyClock } from './clock.js';
import { Transcript } from './transcript.js';
import { Usage } from './usage.js';

// The rest of an interrupted turn arrives within this time. Its `turnComplete` may be missing, and must not silence the
// turns that follow.
const CUT_MS = 1000;

/** Handles one conversation's events, over all its connections. */
export class Incoming {
  #emit;
  #sound;
  #tools;
  #clock;
  #transcript = new Transcript();
  #usage = new Usage();
  /** Until when the rest of an interrupted turn is dropped. */
  #cutUntil = -Infinity;
  /** When the person last said something that has no answer yet. @type {number | null} */
  #askedAt = null;
  #answering = false;
  /** Whether the answer's transcript is incomplete. */
  #generating = false;
  /** Sources of the answer: titles by address. @type {Map<string, string>} */
  #sources = new Map();
  /** @type {Set<string>} */
  #queries = new Set();

  /**
   * @param {import('./typed-events.js').Emit<import('./session.js').SessionEvents>} emit
   * @param {import('./media/sound.js').Sound | null} sound
   * @param {import('./tools.js').Tools} tools
   * @param {import('./clock.js').Clock} [clock]
   */
  constructor(emit, sound, tools, clock = steadyClock) {
    this.#emit = emit;
    this.#sound = sound;
    this.#tools = tools;
    this.#clock = clock;
  }

  /** @param {import('./connection/protocol.js').ServerEvent} event */
  receive(event) {
    switch (event.kind) {
      case 'sound':
        if (this.#cut) break;
        this.#usage.beginTurn();
        this.#sound?.play(event.samples);
        this.#answer();
        break;
      case 'transcript':
        if (this.#cut && event.side === 'agent') break;
        this.#usage.beginTurn();
        this.#generating ||= event.side === 'agent';
        this.#emit('transcript', this.#transcript.append(event.side, event.text));
        break;
      case 'sources':
        if (!this.#cut) this.#addSources(event);
        break;
      case 'interrupted':
        this.#cutUntil = this.#clock.now() + CUT_MS;
        this.#answering = false;
        this.#sound?.flush();
        this.#emitAll(this.#transcript.interrupt());
        this.#emit('interrupted', null);
        break;
      case 'usage':
        this.#emit('usage', this.#usage.record(event.metadata));
        break;
      case 'tool-call':
        this.#usage.beginTurn();
        this.#cutUntil = -Infinity;
        this.#tools.call(event.calls);
        break;
      case 'tool-cancellation':
        this.#tools.cancel(event.ids);
        break;
      // An interrupted turn sends none (Live API capabilities, "Interruptions"), so this one was not.
      case 'generation-complete':
        this.#cutUntil = -Infinity;
        this.#generating = false;
        break;
      case 'turn-complete':
        this.#tools.settle();
        this.completeTurn();
    }
  }

  /** @param {string} text that the person typed */
  type(text) {
    this.asked();
    this.#emit('transcript', this.#transcript.type(text));
  }

  /** The person is saying something now. */
  asked() {
    if (!this.#answering) this.#askedAt = this.#clock.now();
  }

  /** The connection is gone: no more of an answer will arrive. */
  lose() {
    if (this.#generating) this.#emitAll(this.#transcript.interrupt());
    this.completeTurn();
  }

  /** Ends this turn. */
  completeTurn() {
    this.#cutUntil = -Infinity;
    this.#usage.complete();
    this.#answering = false;
    this.#generating = false;
    this.#sources.clear();
    this.#queries.clear();
    this.#sound?.completeTurn();
    this.#emitAll(this.#transcript.completeTurn());
  }

  get #cut() {
    return this.#clock.now() < this.#cutUntil;
  }

  #answer() {
    if (this.#answering) return;
    this.#answering = true;
    if (this.#askedAt === null) return;
    this.#emit('timing', { name: 'first-sound', milliseconds: this.#clock.now() - this.#askedAt });
    this.#askedAt = null;
    const latency = this.#sound?.outputLatency ?? 0;
    if (latency > 0) this.#emit('timing', { name: 'output-latency', milliseconds: latency });
  }

  /** @param {{queries: string[], sources: import('./connection/protocol.js').Source[]}} grounds */
  #addSources({ queries, sources }) {
    for (const query of queries) this.#queries.add(query);
    for (const { url, title } of sources) this.#sources.set(url, title);
    this.#emit('sources', {
      turn: this.#transcript.turn,
      queries: [...this.#queries],
      sources: Array.from(this.#sources, ([url, title]) => ({ title, url })),
    });
  }

  /** @param {import('./transcript.js').Utterance[]} utterances */
  #emitAll(utterances) {
    for (const utterance of utterances) this.#emit('transcript', utterance);
  }
}
