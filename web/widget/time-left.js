/** Says how much time is left; loaded in the last minutes. */

import { setText } from './dom.js';
import { rareWords } from './rare-words.js';

const ANNOUNCED_S = 60;

/**
 * @param {HTMLElement} element
 * @param {import('./panel.js').Log} log announces it once, a minute before the end
 * @param {import('./words.js').Words} common
 * @param {import('../live/session.js').LiveSession} session
 * @throws {import('../live/errors.js').LiveError} `page-incomplete`
 */
export async function showTimeLeft(element, log, common, session) {
  const words = await rareWords(common);
  const seconds = (session.endsAt - performance.now()) / 1000;
  if (seconds === Infinity) return; // it is over
  const sentence = words.text('notice.left', { time: span(words.locale, Math.max(0, seconds)) });
  setText(element, sentence);
  if (Math.ceil(seconds) === ANNOUNCED_S) log.announce(sentence);
}

/** @param {string} locale @param {number} seconds @returns {string} such as “12 min” or “30 sec” */
export function span(locale, seconds) {
  const [value, unit] = seconds > 90 ? [Math.round(seconds / 60), 'minute'] : [Math.ceil(seconds), 'second'];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
}
