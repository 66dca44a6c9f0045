/** Asks for a rating at the end. */

import { icon, make } from './dom.js';
import { addStyles } from './extra-styles.js';
import { rareWords } from './rare-words.js';

const THUMB = 'M7 10.5v9H4.5v-9ZM7 10.5l4-7a2.3 2.3 0 0 1 2.3 2.8L12.5 9.5h5.7a2 2 0 0 1 2 2.4l-1.3 6a2 2 0 0 1-2 1.6H7';

/**
 * @param {import('./panel.js').Panel} panel
 * @param {import('./words.js').Words} common
 * @param {(rating: 'good' | 'bad') => void} answer
 * @throws {import('../live/errors.js').LiveError} `page-incomplete`
 */
export async function askRating(panel, common, answer) {
  const words = await rareWords(common);
  const question = make('p', '', { id: 'rating' }, words.text('rating'));
  const box = make('div', 'rating', { role: 'group', 'aria-labelledby': 'rating' }, question);
  for (const rating of /** @type {const} */ (['good', 'bad'])) {
    const button = make('button', `rating-${rating}`, { type: 'button', 'aria-label': words.text(`rating.${rating}`) }, icon(THUMB));
    button.addEventListener('click', () => {
      answer(rating);
      panel.start.focus();
      box.role = 'status';
      box.replaceChildren(words.text('rating.thanks'));
    });
    box.append(button);
  }
  addStyles(panel.element);
  panel.composer.before(box);
}
