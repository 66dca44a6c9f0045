/** A picture of both voices: bars about a line, the agent's in the accent's colour. */

import { make } from './dom.js';

const BARS = 28;
// Speech rarely exceeds a quarter of full scale; without the root, the picture would hardly move.
const FULL_VOICE = 0.25;

/** Moves while somebody speaks; where less motion is asked for, it only tells who does. */
export class Picture {
  canvas = make('canvas', 'picture', { 'aria-hidden': 'true' });
  #session;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #heights = { microphone: new Float32Array(BARS), speaker: new Float32Array(BARS) };
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
    const level = Math.sqrt(Math.min(1, this.#session.levels[side] / FULL_VOICE));
    heights.forEach((height, bar) => {
      const wanted = level * Math.sin((Math.PI * (bar + 0.5)) / BARS);
      heights[bar] = this.#calm.matches ? Number(level > 0.3) * 0.4 : height + (wanted - height) * 0.3;
    });
    return heights;
  }
}
