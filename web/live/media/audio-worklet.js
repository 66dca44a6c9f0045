/** What runs on the audio thread: captures 16-bit chunks of 20 ms at 16 kHz, and plays chunks of 24 kHz as a stream. */

import { CAPTURE_RATE, PLAYBACK_RATE, Resampler, toFloat, toInt16 } from './pcm.js';

const CHUNK_SAMPLES = CAPTURE_RATE / 50;
// Chunk buffers travel to the page and back; these last for half a second of a busy page.
const SPARE_CHUNKS = 25;
// After silence, playback waits for this much sound, or for this long, to absorb the network's jitter.
const LEAD_SECONDS = 0.04;
// A hard cut clicks; a fade of 4 ms does not, and is too short to be heard as speech.
const FADE_SECONDS = 0.004;
const QUANTUM = 128;

/** The device rate in, chunks out. */
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

/** Chunks in, a continuous stream at the device rate out. */
class Playback extends AudioWorkletProcessor {
  #open = true;
  #resampler = new Resampler(PLAYBACK_RATE, sampleRate);
  /** @type {Int16Array[]} */
  #queue = [];
  /** How much of the first chunk has been played. */
  #offset = 0;
  #queued = 0;
  /** Total of chunks received: tells the page which of them a message is about. */
  #received = 0;
  #playing = false;
  #waited = 0;
  /** Zeros played since the last sample: the filter rings for as long as it has taps. */
  #dry = 0;
  #fade = new Float32Array(Math.ceil(FADE_SECONDS * sampleRate));
  #faded = this.#fade.length;
  #input = new Float32Array(Math.ceil((Math.max(QUANTUM, this.#fade.length) * PLAYBACK_RATE) / sampleRate) + 2);

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === 'close') this.#open = false;
      else if (data === 'flush') this.#flush();
      else this.#push(data);
    };
  }

  /**
   * @override
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, outputs) {
    const output = outputs[0][0];
    if (!this.#playing && this.#queued > 0) {
      this.#playing = this.#queued >= LEAD_SECONDS * PLAYBACK_RATE || this.#waited >= LEAD_SECONDS * sampleRate;
      this.#waited += output.length;
    }
    if (this.#playing) {
      this.#render(output);
      if (this.#dry >= this.#resampler.taps) this.#rest();
    }
    for (let i = 0; i < output.length && this.#faded < this.#fade.length; i += 1) {
      output[i] += this.#fade[this.#faded];
      this.#faded += 1;
    }
    return this.#open;
  }

  /** @param {Int16Array} chunk */
  #push(chunk) {
    this.#received += 1;
    if (chunk.length === 0) return;
    this.#queue.push(chunk);
    this.#queued += chunk.length;
  }

  /** Renders the fade-out at once, and drops everything else. */
  #flush() {
    if (this.#playing) {
      this.#render(this.#fade);
      const { length } = this.#fade;
      for (let i = 0; i < length; i += 1) this.#fade[i] *= 1 - (i + 1) / length;
      this.#faded = 0;
    }
    this.#queue = [];
    this.#queued = 0;
    this.#offset = 0;
    this.#resampler.reset();
    this.#stop();
  }

  #rest() {
    this.#stop();
    this.port.postMessage(this.#received);
  }

  #stop() {
    this.#playing = false;
    this.#waited = 0;
    this.#dry = 0;
  }

  /** @param {Float32Array} output filled completely, with zeros after the last sample */
  #render(output) {
    const needed = this.#resampler.inputsFor(output.length);
    for (let i = 0; i < needed; i += 1) this.#input[i] = this.#next();
    this.#resampler.resample(this.#input, needed, output);
  }

  #next() {
    if (this.#queued === 0) {
      this.#dry += 1;
      return 0;
    }
    this.#dry = 0;
    const chunk = this.#queue[0];
    const sample = toFloat(chunk[this.#offset]);
    this.#offset += 1;
    this.#queued -= 1;
    if (this.#offset === chunk.length) {
      this.#queue.shift();
      this.#offset = 0;
    }
    return sample;
  }
}

registerProcessor('tokensvc-playback', Playback);
