/** Acts on the Live API's events: plays, transcribes, answers and counts. */

import { tokensOf } from './connection/protocol.js';
import { Transcript } from './transcript.js';
import { steadyClock } from './waiting.js';

/** @typedef {import('./connection/protocol.js').Tokens} Tokens */

// The rest of an interrupted turn arrives within this time. Its `turnComplete` may be missing, and must not silence the
// turns that follow.
const CUT_MS = 1000;
/** How many kinds of unknown messages are told apart; further ones are counted under one name. */
const MOST_KINDS = 100;

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
  #working = false;
  /** Whether answers are transcribed: what is written beside them is not part of them then. */
  #transcribed = false;
  /** How many messages of each unknown kind there were. @type {Map<string, number>} */
  #unknown = new Map();
  /** @type {Promise<import('./sources.js').Sources> | null} */
  #sources = null;

  /**
   * @param {import('./watching.js').Emit<import('./session.js').SessionEvents>} emit
   * @param {import('./media/sound.js').Sound | null} sound
   * @param {Pick<import('./tools.js').Tools, 'call' | 'cancel' | 'settle'>} tools
   * @param {import('./waiting.js').Clock} [clock]
   */
  constructor(emit, sound, tools, clock = steadyClock) {
    this.#emit = emit;
    this.#sound = sound;
    this.#tools = tools;
    this.#clock = clock;
  }

  /** The tokens of this conversation, by side and modality. */
  get tokens() {
    return this.#usage.byModality;
  }

  /** Whether the model works on, although its turn is complete. */
  get working() {
    return this.#working;
  }

  /** @param {boolean} transcribed whether the token is known to transcribe answers */
  set transcribed(transcribed) {
    this.#transcribed ||= transcribed;
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
        this.#transcribed ||= event.side === 'agent';
        this.#emit('transcript', this.#transcript.append(event.side, event.text));
        break;
      case 'text':
        if (this.#cut || this.#transcribed) break;
        this.#usage.beginTurn();
        this.#generating = true;
        this.#emit('transcript', this.#transcript.write(event.text));
        break;
      case 'interim':
        this.#emit('transcript', this.#transcript.suppose(event.text));
        break;
      case 'voice-activity':
        this.#emit('voice', { active: event.active });
        break;
      case 'working':
        this.work(event.working);
        break;
      case 'unknown':
        this.#count(event.name);
        break;
      case 'sources':
        if (!this.#cut) this.#collect(event.grounding);
        break;
      case 'interrupted':
        // If the page has done it, this is the server's consent.
        if (this.#cutUntil < Infinity) this.#cutShort();
        this.#answering = false;
        this.#cutUntil = this.#clock.now() + CUT_MS;
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
        // These are no stops: the reason is not known, or the model waits for more of the question.
        if (event.reason && !/UNSPECIFIED$|^NEED_MORE_INPUT$/.test(event.reason)) {
          this.#emit('stopped', { turn: this.#transcript.turn, reason: event.reason });
        }
        this.completeTurn();
    }
  }

  /** @param {boolean} working whether the model works on; a session that is lost does not */
  work(working) {
    if (working === this.#working) return;
    this.#working = working;
    this.#emit('working', { working });
  }

  /** Whether more of an answer may arrive. */
  get answering() {
    return this.#answering || this.#generating;
  }

  /**
   * Stops the answer: it falls silent, and the rest of it is dropped.
   * @returns {boolean} whether the server may still send of it
   */
  interrupt() {
    const { answering } = this;
    // The server may not stop; what it sends belongs to this answer until it completes its turn.
    if (answering) this.#cutUntil = Infinity;
    if (answering || this.#sound?.speaking) this.#cutShort();
    return answering;
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
    this.#sound?.completeTurn();
    this.#emitAll(this.#transcript.completeTurn());
  }

  #cutShort() {
    this.#sound?.flush();
    this.#emitAll(this.#transcript.interrupt());
    this.#emit('interrupted', null);
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

  /** @param {string} kind of message, or a field of `serverContent` */
  #count(kind) {
    const name = this.#unknown.has(kind) || this.#unknown.size < MOST_KINDS ? kind : 'others';
    const count = (this.#unknown.get(name) ?? 0) + 1;
    this.#unknown.set(name, count);
    this.#emit('unknown', { name, count });
  }

  /** @param {import('./connection/protocol.js').Fields} grounding counted as unknown if its file cannot be loaded */
  #collect(grounding) {
    const { turn } = this.#transcript;
    this.#sources ??= import('./sources.js').then(({ Sources }) => new Sources());
    this.#sources.then(
      (sources) => {
        const found = sources.add(turn, grounding);
        if (found) this.#emit('sources', found);
      },
      () => {
        this.#sources = null;
        this.#count('groundingMetadata');
      },
    );
  }

  /** @param {import('./transcript.js').Utterance[]} utterances */
  #emitAll(utterances) {
    for (const utterance of utterances) this.#emit('transcript', utterance);
  }
}

/** @typedef {{turn: Tokens, total: Tokens}} UsageReport */

const NONE = tokensOf({});

/** Within a turn the latest count replaces earlier ones; turns add up. */
export class Usage {
  #past = NONE;
  #turn = NONE;
  #over = false;

  /** @param {import('./connection/protocol.js').UsageMetadata} metadata @returns {UsageReport} */
  record(metadata) {
    const tokens = tokensOf(metadata);
    // Usage may follow the turn's end, once. A count that shrinks belongs to another turn.
    if ((this.#over && this.#turn !== NONE) || tokens.total < this.#turn.total) this.#next();
    this.#turn = tokens;
    return { turn: tokens, total: sum(this.#past, tokens) };
  }

  get byModality() {
    const { promptBy, responseBy } = sum(this.#past, this.#turn);
    return { prompt: promptBy, response: responseBy };
  }

  /** Content has arrived: if the last turn is over, the next one has begun. */
  beginTurn() {
    if (this.#over) this.#next();
  }

  /** The turn is over. */
  complete() {
    this.#over = true;
  }

  #next() {
    this.#past = sum(this.#past, this.#turn);
    this.#turn = NONE;
    this.#over = false;
  }
}

/** @template {Record<string, any>} Counts @param {Counts} a @param {Counts} b @returns {Counts} */
function sum(a, b) {
  /** @type {Record<string, any>} */
  const both = { ...a };
  for (const [key, value] of Object.entries(b)) {
    both[key] = typeof value === 'number' ? (both[key] ?? 0) + value : sum(both[key], value);
  }
  return /** @type {Counts} */ (both);
}
