/** Draws both voices as bars about a line, the agent's in the accent color. */

import { make } from './dom.js';

const BARS = 28;
const AUDIBLE = 0.02;

/** Moves while somebody speaks; with reduced motion it only shows who does. */
export class Visualizer {
  canvas = make('canvas', 'visualizer', { 'aria-hidden': 'true' });
  #session;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #bins = new Uint8Array(128);
  #drawing = false;

  /** @param {import('../live/session.js').LiveSession} session */
  constructor(session) {
    this.#session = session;
  }

  /** Draws until the conversation ends. */
  run() {
    if (this.#drawing) return;
    const next = () => {
      const { state } = this.#session;
      this.#drawing = state === 'live' || state === 'resuming';
      if (this.canvas.clientWidth > 0) this.#draw();
      if (this.#drawing) requestAnimationFrame(next);
    };
    next();
  }

  #draw() {
    const { canvas } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    const { color, accentColor } = getComputedStyle(canvas);
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    const step = width / BARS;
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.lineCap = 'round';
    pen.lineWidth = step * 0.45;
    for (const side of /** @type {const} */ (['microphone', 'speaker'])) {
      this.#session.spectrum(side, this.#bins);
      const heard = this.#session.levels[side] > AUDIBLE;
      pen.strokeStyle = side === 'speaker' ? accentColor : color;
      pen.beginPath();
      for (let bar = 0.5; bar < BARS; bar += 1) {
        const reach = (this.#share(Math.abs((2 * bar) / BARS - 1), heard) * (height - pen.lineWidth)) / 2;
        pen.moveTo(bar * step, height / 2 - reach);
        pen.lineTo(bar * step, height / 2 + reach + 0.01);
      }
      pen.stroke();
    }
  }

  /**
   * @param {number} outward position of a bar, from 0 in the middle to 1 at either end
   * @param {boolean} heard
   * @returns {number} its share of the height
   */
  #share(outward, heard) {
    if (!this.#drawing) return 0.4 * (1 - outward) ** 2;
    if (this.#calm.matches) return heard ? 0.4 * (1 - outward) : 0;
    // A voice is below 5 kHz, and mostly low: the lowest frequencies are in the middle.
    const loudness = this.#bins[Math.round(2 + 100 * outward ** 2)];
    return Math.min(1, Math.max(0, (loudness - 80) / 160));
  }
}
