/** Captures on the audio thread: device rate in, 20 ms chunks of 16-bit samples at 16 kHz out. */

import { CAPTURE_RATE, Resampler, toInt16 } from './pcm.js';

const CHUNK_SAMPLES = CAPTURE_RATE / 50;
// Chunk buffers travel to the page and back; these last for half a second of a busy page.
const SPARE_CHUNKS = 25;

class Capture extends AudioWorkletProcessor {
  #open = true;
  #resampler = new Resampler(sampleRate, CAPTURE_RATE);
  // A quantum grows only if the device is slower than 16 kHz; the slowest are headsets with 8 kHz.
  #resampled = new Float32Array(4096);
  #chunk = new Int16Array(CHUNK_SAMPLES);
  #filled = 0;
  /** @type {Int16Array<ArrayBuffer>[]} */
  #spare = Array.from({ length: SPARE_CHUNKS }, () => new Int16Array(CHUNK_SAMPLES));
  /** @type {ArrayBuffer[]} */
  #transfer = [];

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === 'close') this.#open = false;
      else this.#spare.push(data);
    };
  }

  /**
   * @override
   * @param {Float32Array[][]} inputs
   */
  process(inputs) {
    const samples = inputs[0][0];
    // No channel: the device has not started yet. This is not silence, and counting it would shift time.
    if (samples === undefined) return this.#open;
    const count = this.#resampler.resample(samples, samples.length, this.#resampled);
    for (let i = 0; i < count; i += 1) {
      this.#chunk[this.#filled] = toInt16(this.#resampled[i]);
      this.#filled += 1;
      if (this.#filled === CHUNK_SAMPLES) this.#post();
    }
    return this.#open;
  }

  #post() {
    this.#transfer[0] = this.#chunk.buffer;
    this.port.postMessage(this.#chunk, this.#transfer);
    // Allocates only if the page was busy for longer than the spare chunks last.
    this.#chunk = this.#spare.pop() ?? new Int16Array(CHUNK_SAMPLES);
    this.#filled = 0;
  }
}

registerProcessor('tokensvc-capture', Capture);
