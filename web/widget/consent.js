/** Asks for consent before a conversation. */

import { hungUp } from '../live/errors.js';
import { make } from './dom.js';
import { addStyles } from './extra-styles.js';

/**
 * @param {import('./panel.js').Panel} panel
 * @param {import('./words.js').Words} words
 * @param {string | null} text of the host; empty for the built-in one
 * @returns {Promise<void>}
 * @throws {import('../live/errors.js').LiveError} `hung-up` if the person declines
 */
export async function ask(panel, words, text) {
  const agree = make('button', 'agree', { type: 'button' }, words.text('consent.agree'));
  const decline = make('button', 'decline', { type: 'button' }, words.text('consent.decline'));
  const box = make(
    'section', 'over consent', { 'aria-labelledby': 'over-title' },
    make('h3', '', { id: 'over-title', tabindex: '-1' }, words.text('consent.title')),
    make('p', '', {}, text || words.text('consent')),
    agree, decline,
  );
  addStyles(panel.element);
  const agreed = await panel.over(box, (settle) => {
    agree.onclick = () => settle(true);
    decline.onclick = () => settle(false);
  });
  if (!agreed) throw hungUp();
}
