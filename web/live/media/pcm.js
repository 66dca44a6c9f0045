/**
 * PCM samples: 16-bit conversion, loudness and resampling.
 *
 * The resampler is our own because Firefox cannot connect a microphone to an AudioContext with another sample rate.
 */

/** The Live API's input rate, in hertz (capabilities, "Audio formats"). */
export const CAPTURE_RATE = 16_000;
/** A voice is louder than this; a room's noise, after the browser's suppression, is not. */
export const VOICE = 0.02;
/** The Live API's output rate, in hertz. */
export const PLAYBACK_RATE = 24_000;

// Pass band and stop band, as fractions of the lower rate: 7.0 and 8.6 kHz at 16 kHz.
const PASS_EDGE = 7.0 / 16;
const STOP_EDGE = 8.6 / 16;
const REJECTION_DB = 75;
const BLOCK = 128;

/**
 * Converts a sample to 16 bits.
 * @param {number} sample nominally -1 to 1; clipped beyond that
 * @returns {number} an integer from -32768 to 32767
 */
export function toInt16(sample) {
  const clipped = Math.max(-1, Math.min(1, sample));
  return Math.round(clipped < 0 ? clipped * 0x8000 : clipped * 0x7fff);
}

/**
 * @param {number} sample an integer from -32768 to 32767
 * @returns {number} -1 to 1
 */
export function toFloat(sample) {
  return sample < 0 ? sample / 0x8000 : sample / 0x7fff;
}

/**
 * Measures loudness.
 * @param {ArrayLike<number>} samples
 * @param {number} fullScale the largest possible sample
 * @returns {number} root mean square, 0 to 1; 0 for no samples
 */
export function loudness(samples, fullScale) {
  let sum = 0;
  for (let i = 0; i < samples.length; i += 1) sum += (samples[i] / fullScale) ** 2;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}

/** @param {number} a @param {number} b @returns {number} */
function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * Evaluates the modified Bessel function of the first kind and order zero, by its power series.
 * @param {number} x
 */
function besselI0(x) {
  let sum = 1;
  for (let term = 1, k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/**
 * Designs a polyphase low-pass between two rates (Kaiser's windowed sinc; Oppenheim and Schafer, section 7.5).
 * @param {number} from hertz
 * @param {number} to hertz
 * @returns {{up: number, down: number, taps: number, phases: Float32Array}} `phases` holds `up` rows of `taps`
 *   coefficients, oldest sample first
 */
export function lowPass(from, to) {
  const divisor = greatestCommonDivisor(from, to);
  const up = to / divisor;
  const down = from / divisor;
  if (up === down) return { up, down, taps: 1, phases: new Float32Array([1]) };
  const lower = Math.min(from, to);
  const cutoff = ((PASS_EDGE + STOP_EDGE) / 2) * lower;
  const transition = (2 * Math.PI * (STOP_EDGE - PASS_EDGE) * lower) / from;
  const taps = Math.ceil((REJECTION_DB - 7.95) / (2.285 * transition)) + 1;
  const beta = 0.1102 * (REJECTION_DB - 8.7);
  const centre = (taps * up - 1) / 2;
  const phases = new Float32Array(up * taps);
  for (let phase = 0; phase < up; phase += 1) {
    const row = phases.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const distance = phase + tap * up - centre;
      const angle = (2 * Math.PI * cutoff * distance) / (from * up);
      const window = besselI0(beta * Math.sqrt(1 - (distance / (centre + 0.5)) ** 2));
      row[taps - 1 - tap] = window * (angle === 0 ? 1 : Math.sin(angle) / angle);
      sum += row[taps - 1 - tap];
    }
    // Each phase passes a constant unchanged; otherwise silence with an offset would hum at the phase rate.
    for (let tap = 0; tap < taps; tap += 1) row[tap] /= sum;
  }
  return { up, down, taps, phases };
}

/** Resamples a stream, piece by piece, without allocation after construction. */
export class Resampler {
  #filter;
  /** The last `taps` samples, then the current block. */
  #samples;
  /** Position of the next output, in `1 / up` samples after the next input; negative for one that found no room. */
  #position = 0;

  /**
   * @param {number} from hertz, a whole number
   * @param {number} to hertz, a whole number
   */
  constructor(from, to) {
    this.#filter = lowPass(from, to);
    this.#samples = new Float32Array(this.#filter.taps + BLOCK);
  }

  /** The length of the filter, in input samples. */
  get taps() {
    return this.#filter.taps;
  }

  /**
   * @param {number} outputs
   * @returns {number} the smallest number of inputs that yields at least this many outputs
   */
  inputsFor(outputs) {
    const { up, down } = this.#filter;
    return Math.floor((this.#position + (outputs - 1) * down) / up) + 1;
  }

  /**
   * @param {Float32Array} input
   * @param {number} count how many samples of `input` to use
   * @param {Float32Array} output with room for all outputs, or for the number given to `inputsFor`; a further output
   *   of the last input comes first the next time
   * @returns {number} how many samples of `output` were written
   */
  resample(input, count, output) {
    let written = 0;
    for (let start = 0; start < count; start += BLOCK) {
      written = this.#block(input, start, Math.min(BLOCK, count - start), output, written);
    }
    return written;
  }

  /** Clears the filter. */
  reset() {
    this.#samples.fill(0);
    this.#position = 0;
  }

  /**
   * @param {Float32Array} input
   * @param {number} start
   * @param {number} count at most BLOCK
   * @param {Float32Array} output
   * @param {number} written
   */
  #block(input, start, count, output, written) {
    const { up, down, taps, phases } = this.#filter;
    const samples = this.#samples;
    for (let i = 0; i < count; i += 1) samples[taps + i] = input[start + i];
    let position = this.#position;
    for (; position < count * up && written < output.length; position += down) {
      const newest = Math.floor(position / up);
      const row = (position - newest * up) * taps;
      let sum = 0;
      for (let tap = 0; tap < taps; tap += 1) sum += phases[row + tap] * samples[newest + 1 + tap];
      output[written] = sum;
      written += 1;
    }
    this.#position = position - count * up;
    samples.copyWithin(0, count, count + taps);
    return written;
  }
}
