/** Whether the path to the server works: what the server does not react to. */

import { Deadline } from './path.js';
import { endsTurn } from './protocol.js';

// Answers begin after one to three seconds, and later where a model thinks first.
const ANSWER_MS = 15_000;
// A server that reports voices does so within half a second.
const VOICE_MS = 5000;
/** A cough, or a door, is shorter. */
const SPOKEN_MS = 1000;
// A model may have its own reasons to be silent, and a noise can be taken for a voice: then the connection is replaced for
// nothing, and not again soon.
const AGAIN_MS = 60_000;

/** Watches a conversation over all its connections. Silence while nothing is due means nothing. */
export class Unanswered {
  #clock;
  #waits;
  #suspect;
  #answer;
  #voice;
  #live = false;
  #suspectedAt = -Infinity;
  /** How much of a voice the server has not reacted to, in milliseconds. */
  #unnoticed = 0;
  /** Whether this connection reports voices. */
  #reports = false;
  /** Whether the server is hearing a voice. */
  #hears = false;
  /** Whether this connection transcribes what is said, and whether it has transcribed this utterance. */
  #transcribes = false;
  #transcribed = false;

  /**
   * @param {import('../waiting.js').Clock} clock
   * @param {() => boolean} waits whether the model waits for the page, and owes no answer
   * @param {() => void} suspect the path seems dead; called at most once a minute
   */
  constructor(clock, waits, suspect) {
    this.#clock = clock;
    this.#waits = waits;
    this.#suspect = suspect;
    this.#answer = new Deadline(clock, () => this.#judgeAnswer());
    this.#voice = new Deadline(clock, () => this.#judgeVoice());
  }

  /** There is a connection. @param {boolean} transcribes whether it is known to transcribe what is said */
  begin(transcribes) {
    this.#live = true;
    this.#reports = false;
    this.#hears = false;
    this.#transcribes = transcribes;
    this.#transcribed = false;
  }

  end() {
    this.#live = false;
    this.received();
  }

  /** @param {string} frame that was given to the socket */
  sent(frame) {
    if (endsTurn(frame)) this.#expect();
  }

  /** @param {number} milliseconds of a voice in the microphone, while no answer is played */
  spoke(milliseconds) {
    if (!this.#live || !this.#reports || this.#hears) return;
    if (!this.#voice.pending) this.#voice.set(VOICE_MS);
    this.#unnoticed += milliseconds;
  }

  /** A frame has arrived, whatever it says: the path works. */
  received() {
    this.#answer.clear();
    this.#voice.clear();
    this.#unnoticed = 0;
  }

  /** @param {import('./protocol.js').ServerEvent} event */
  read(event) {
    if (event.kind === 'voice-activity') {
      this.#notice(event.active);
    } else if (event.kind === 'transcript' && event.side === 'user') {
      this.#transcribes = true;
      this.#transcribed = true;
      this.#expect();
    } else {
      // The same frame may hold the end of a turn and its answer.
      this.#answer.clear();
    }
  }

  /** @param {boolean} active */
  #notice(active) {
    this.#reports = true;
    this.#hears = active;
    if (active) this.#transcribed = false;
    // The end of something without words, such as a cough, is not answered.
    else if (this.#transcribed || !this.#transcribes) this.#expect();
  }

  #expect() {
    if (this.#live) this.#answer.set(ANSWER_MS);
  }

  #judgeAnswer() {
    if (this.#waits() || this.#suspected) this.#expect();
    else this.#report();
  }

  #judgeVoice() {
    if (this.#unnoticed >= SPOKEN_MS && !this.#suspected) this.#report();
    this.#unnoticed = 0;
  }

  /** Whether a path was suspected a short while ago. */
  get #suspected() {
    return this.#clock.now() < this.#suspectedAt + AGAIN_MS;
  }

  #report() {
    this.#suspectedAt = this.#clock.now();
    this.#suspect();
  }
}
