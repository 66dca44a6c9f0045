/** Gives the model what it is not to answer: the page's notes and pictures; loaded with the first of them. */

import { contentFrame, pictureFrame, picturePart } from './connection/protocol.js';
import { importOrFail } from './errors.js';
import { note, noteFrame } from './transcript.js';
import { steadyClock } from './waiting.js';

/** An answer begins within this time after what the person said, if there is one. */
const ANSWERED_MS = 5000;

/** @typedef {import('./conversation.js').Observed} Observed */

/**
 * What is needed of a conversation.
 * @typedef {object} Page
 * @property {string[]} notes of the page, until they are sent
 * @property {() => import('./connection/token-source.js').Features} features
 * @property {(frame: string) => void} send
 * @property {() => boolean} answering whether more of an answer may arrive
 * @property {() => boolean} calling whether a tool call is in progress
 * @property {() => boolean} talking whether the person speaks, as far as the server knows
 */

/** @param {import('./conversation.js').Parts} parts @param {AbortSignal} signal */
export const attach = ({ connection, incoming, tools, notes, talking }, signal) =>
  new SilentInput(
    {
      notes,
      features: () => connection.features ?? {},
      send: (frame) => connection.send(frame),
      answering: () => incoming.answering,
      calling: () => tools.busy || incoming.working,
      talking,
    },
    signal,
  );

/**
 * Content is sent while no answer is in progress, because it interrupts one. It leaves the person's turn open; a server
 * that waits for its end, as reported of early models (google-gemini/live-api-web-console, issue 60), is told of it when
 * it does not answer.
 *
 * Where a session takes no content, a note is sent as text while the person speaks: text counts as activity, as a voice
 * does (Live API reference, `AutomaticActivityDetection`), so it belongs to the same turn.
 */
export class SilentInput {
  #notes;
  #page;
  #signal;
  #clock;
  /** @type {Uint8Array[]} */
  #pictures = [];
  /** Until when an answer is in progress, as far as is known. */
  #busyUntil = -Infinity;
  /** Whether the person's turn was left open. */
  #open = false;
  /** Whether the person has said something since then. */
  #asked = false;
  /** @type {() => void} */
  #takeBack = () => {};

  /**
   * @param {Page} page
   * @param {AbortSignal} signal
   * @param {import('./waiting.js').Clock} [clock]
   */
  constructor(page, signal, clock = steadyClock) {
    this.#notes = page.notes;
    this.#page = page;
    this.#signal = signal;
    this.#clock = clock;
    if (page.answering()) this.#busyUntil = Infinity;
    signal.addEventListener('abort', () => this.#takeBack(), { once: true });
  }

  /**
   * @param {Blob} blob
   * @throws {import('./errors.js').LiveError} `image-unreadable`, `page-incomplete`
   */
  async show(blob) {
    const { jpegOf } = await importOrFail(import('./media/picture.js'));
    const jpeg = await jpegOf(blob);
    this.#signal.throwIfAborted();
    if ((this.#page.features().image ?? 'video') === 'video') {
      this.#page.send(pictureFrame(jpeg));
      return;
    }
    this.#pictures.push(jpeg);
    this.flush();
  }

  /** Sends the notes at once, which stops the answer. */
  interrupt() {
    // Content would cancel the calls that the model waits for; without notes, what is in progress is another answer.
    if (!this.#page.calling() && this.#notes.length > 0) this.#busyUntil = -Infinity;
    this.flush();
  }

  /** @param {Observed} event after it was acted on */
  receive(event) {
    switch (event.kind) {
      case 'sound':
        this.#answers();
        break;
      case 'tool-call':
        this.#open = false;
        break;
      case 'transcript':
        if (event.side === 'agent') this.#answers();
        else this.#asks();
        break;
      case 'typed':
        this.#open = false;
        this.#asks();
        break;
      case 'voice-activity':
        this.flush();
        break;
      case 'turn-complete':
      case 'lost':
        this.#busyUntil = -Infinity;
        this.flush();
    }
  }

  /** Sends what can be sent now. */
  flush() {
    if (this.#content) this.#sendContent();
    else if (this.#page.talking()) this.#sendWithVoice();
  }

  get #content() {
    return this.#page.features().context !== 'turn';
  }

  #sendContent() {
    if (this.#notes.length + this.#pictures.length === 0) return;
    const now = this.#clock.now();
    if (this.#page.calling()) this.#busyUntil = Math.max(this.#busyUntil, now + ANSWERED_MS);
    if (this.#busyUntil > now) {
      if (this.#busyUntil < Infinity) this.#wait(this.#busyUntil - now);
      return;
    }
    const pictures = this.#pictures.splice(0).map(picturePart);
    const notes = this.#notes.splice(0).map((text) => ({ text: note(text) }));
    this.#page.send(contentFrame([{ role: 'user', parts: [...pictures, ...notes] }], false));
    this.#open = true;
  }

  #sendWithVoice() {
    for (const jpeg of this.#pictures.splice(0)) this.#page.send(pictureFrame(jpeg));
    const notes = this.#notes.splice(0);
    if (notes.length > 0) this.#page.send(noteFrame(notes.join(' ')));
  }

  /** The model answers. */
  #answers() {
    this.#busyUntil = Infinity;
    this.#open = false;
    this.#asked = false;
    this.#takeBack();
  }

  /** The person has said something: an answer is due. */
  #asks() {
    this.#asked = true;
    if (this.#busyUntil === Infinity) return;
    this.#busyUntil = this.#clock.now() + ANSWERED_MS;
    this.#wait(ANSWERED_MS);
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    this.#takeBack();
    this.#takeBack = this.#clock.after(milliseconds, () => {
      if (this.#open && this.#asked && !this.#page.talking()) {
        this.#page.send(contentFrame([]));
        this.#open = false;
      }
      this.#asked = false;
      this.flush();
    });
  }
}
