/** A witness in the audio graph: every quantum that reaches it, with the frame at which it did. */

const BLOCK = 8 * 128;

/** @type {number | null} the frame at which the page's own capture had its first sound */
let began = null;
/** Reports what was recorded, on request. */
const notes = [];

class Tape extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;
  #from = 0;
  #told = false;

  constructor() {
    super();
    this.port.onmessage = () => this.port.postMessage({ notes });
  }

  process([[samples]]) {
    if (began !== null && !this.#told) {
      this.#told = true;
      this.port.postMessage({ began });
    }
    // No channel: the device has not started, and the page's own capture has nothing either.
    if (samples === undefined) return true;
    if (this.#filled > 0 && this.#from + this.#filled !== currentFrame) this.#post();
    if (this.#filled === 0) this.#from = currentFrame;
    this.#block.set(samples, this.#filled);
    this.#filled += samples.length;
    if (this.#filled === BLOCK) this.#post();
    return true;
  }

  #post() {
    const samples = this.#block.slice(0, this.#filled);
    this.port.postMessage({ from: this.#from, samples }, [samples.buffer]);
    this.#filled = 0;
  }
}

registerProcessor('tape', Tape);

// What the page registers stays as it is; what goes in and out of it is noted. Times are frames, and milliseconds since
// the epoch, for this scope has no other clock.
const now = () => ({ frame: currentFrame, at: Date.now() });

/** Notes when there was sound first, and when each chunk was given away. */
const capturing = (Processor) =>
  class extends Processor {
    constructor(...options) {
      super(...options);
      const { port } = this;
      const post = port.postMessage.bind(port);
      port.postMessage = (chunk, transfer) => {
        post(chunk, transfer);
        notes.push({ what: 'captured', ...now() });
      };
    }

    process(inputs, ...rest) {
      if (inputs[0][0] !== undefined) began ??= currentFrame;
      return super.process(inputs, ...rest);
    }
  };

/** Notes when a message came, and when what leaves was first and last to be heard after it. */
const playing = (Processor) =>
  class extends Processor {
    #noted = null;

    constructor(...options) {
      super(...options);
      const { port } = this;
      const receive = port.onmessage;
      port.onmessage = (event) => {
        if (event.data !== 'close') this.#note(event.data === 'flush' ? 'flush' : 'chunk');
        receive(event);
      };
    }

    process(inputs, outputs, ...rest) {
      const goesOn = super.process(inputs, outputs, ...rest);
      const [samples] = outputs[0];
      const loud = samples.findLastIndex((sample) => Math.abs(sample) > 1e-3);
      if (loud >= 0 && this.#noted !== null) {
        const first = samples.findIndex((sample) => Math.abs(sample) > 1e-3);
        this.#noted.first ??= { frame: currentFrame + first, at: Date.now() };
        this.#noted.last = { frame: currentFrame + loud, at: Date.now() };
      }
      return goesOn;
    }

    #note(what) {
      const last = this.#noted?.last?.frame ?? currentFrame;
      if (what === 'chunk' && this.#noted?.what === 'chunk' && currentFrame - last < sampleRate / 4) return;
      this.#noted = { what, seen: now(), first: null, last: null };
      notes.push(this.#noted);
    }
  };

const { registerProcessor: register } = globalThis;
const noting = { 'tokensvc-capture': capturing, 'tokensvc-playback': playing };
globalThis.registerProcessor = (name, Processor) => register(name, noting[name]?.(Processor) ?? Processor);
