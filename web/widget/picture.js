/** A picture of both voices: bars about a line, the agent's in the accent's colour. */

import { make } from './dom.js';

const BARS = 28;
const AUDIBLE = 0.02;

/** Moves while somebody speaks; where less motion is asked for, it only tells who does. */
export class Picture {
  canvas = make('canvas', 'picture', { 'aria-hidden': 'true' });
  #session;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #heights = { microphone: new Float32Array(BARS), speaker: new Float32Array(BARS) };
  #bins = new Uint8Array(128);
  #drawing = false;

  /** @param {import('../live/session.js').LiveSession} session */
  constructor(session) {
    this.#session = session;
  }

  /** Draws until the conversation is over, or nobody can see it. */
  run() {
    if (this.#drawing) return;
    this.#drawing = true;
    const next = () => {
      const { state } = this.#session;
      this.#drawing = (state === 'live' || state === 'resuming') && this.canvas.clientWidth > 0;
      this.#draw();
      if (this.#drawing) requestAnimationFrame(next);
    };
    next();
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.canvas.width = width * devicePixelRatio;
    this.canvas.height = height * devicePixelRatio;
    const pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext('2d'));
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.lineCap = 'round';
    const step = width / BARS;
    pen.lineWidth = step * 0.45;
    const { color, accentColor } = getComputedStyle(this.canvas);
    for (const [side, colour] of /** @type {const} */ ([['microphone', color], ['speaker', accentColor]])) {
      const heights = this.#grow(side);
      pen.strokeStyle = colour;
      pen.beginPath();
      heights.forEach((share, bar) => {
        const reach = (share * (height - pen.lineWidth)) / 2;
        pen.moveTo((bar + 0.5) * step, height / 2 - reach);
        pen.lineTo((bar + 0.5) * step, height / 2 + reach + 0.01);
      });
      pen.stroke();
    }
  }

  /** @param {'microphone' | 'speaker'} side */
  #grow(side) {
    const heights = this.#heights[side];
    if (!this.#drawing) return heights.map((_, bar) => (side === 'speaker' ? restingHeight(bar) : 0));
    this.#session.spectrum(side, this.#bins);
    heights.forEach((height, bar) => {
      // What matters of a voice lies below 5 kHz, and most of it low; the middle bars show the lowest.
      const from = Math.round(2 + 100 * (Math.abs(bar - (BARS - 1) / 2) / (BARS / 2)) ** 2);
      const wanted = Math.max(0, (Math.max(...this.#bins.subarray(from, from + 4)) - 90) / 150);
      heights[bar] = this.#calm.matches ? height : height + (Math.min(1, wanted) - height) * 0.35;
    });
    if (this.#calm.matches) heights.fill(this.#session.levels[side] > AUDIBLE ? 0.3 : 0);
    return heights;
  }
}

/** @param {number} bar @returns {number} its part in the picture of a voice that may be heard yet */
function restingHeight(bar) {
  return 0.5 * Math.sin((Math.PI * (bar + 0.5)) / BARS) ** 2 * (0.6 + 0.4 * Math.cos(bar * 2.4));
}
