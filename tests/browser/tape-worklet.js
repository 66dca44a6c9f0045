/** A witness in the audio graph: every quantum that reaches it, with the frame at which it did. */

const BLOCK = 8 * 128;

/** @type {number | null} the frame at which the page's own capture had its first sound */
let began = null;

class Tape extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;
  #from = 0;
  #told = false;

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

// The page's capture stays as it is; that it has begun is noted on its way in.
const { registerProcessor: register } = globalThis;
globalThis.registerProcessor = (name, Processor) => {
  const Noted = class extends Processor {
    process(inputs, ...rest) {
      if (inputs[0][0] !== undefined) began ??= currentFrame;
      return super.process(inputs, ...rest);
    }
  };
  register(name, name === 'tokensvc-capture' ? Noted : Processor);
};
