/** Records every quantum that reaches this point of the audio graph, with its frame. */

const BLOCK = 8 * 128;

/** @type {number | null} the frame at which the page's capture received its first sound */
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
    // No channel: the device has not started, and the page's capture receives nothing either.
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

// Wraps the page's processors to record their input and output. Times are frames, and milliseconds since the epoch,
// because this scope has no other clock.
const now = () => ({ frame: currentFrame, at: Date.now() });

/** Records when the first sound arrived, and when each chunk was posted. */
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

/** Records when a message arrived, and when output was first and last audible after it. */
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
