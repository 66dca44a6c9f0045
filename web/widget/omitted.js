/** Drops the log's oldest lines, and says so; loaded when there are too many. */

import { make } from './dom.js';
import { rareWords } from './rare-words.js';

/**
 * @param {HTMLElement} list
 * @param {Map<string, HTMLElement>} lines by their keys; a line may have several
 * @param {number} most
 * @param {import('./words.js').Words} words
 * @throws {import('../live/errors.js').LiveError} `page-incomplete`
 */
export async function trim(list, lines, most, words) {
  const distinct = [...new Set(lines.values())];
  const old = new Set(distinct.slice(0, Math.max(0, distinct.length - most)));
  for (const line of old) line.remove();
  for (const [key, line] of lines) if (old.has(line)) lines.delete(key);
  if (list.querySelector('.omitted')) return;
  const sentence = (await rareWords(words)).text('omitted');
  // Not if a new conversation has emptied the log meanwhile.
  if (list.childElementCount > 0 && !list.querySelector('.omitted')) list.prepend(make('p', 'omitted tool', {}, sentence));
}
