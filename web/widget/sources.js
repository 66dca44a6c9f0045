/** Shows the sources of an answer, as links with their hosts, and Google's Search Suggestions. */

import { importOrFail } from '../live/errors.js';
import { make } from './dom.js';
import { addStyles } from './extra-styles.js';
import { harmless, link } from './links.js';
import { rareWords } from './rare-words.js';

/**
 * @param {import('./panel.js').Log} log
 * @param {import('./words.js').Words} common
 * @param {import('../live/session.js').SessionEvents['sources']} found all so far
 * @param {string} service its address, which serves the frame of suggestions
 */
export async function showSources(log, common, { turn, queries, sources, suggestions = [] }, service) {
  const words = await rareWords(common);
  const links = sources.flatMap(({ title, url }) => {
    const address = harmless(url);
    // A web page, as it was found by a search.
    return address?.host ? [make('li', '', {}, ...link(address, [title || address.host], 'source', words))] : [];
  });
  const searched = queries.length > 0 ? [make('p', '', {}, words.text('searched', { queries: new Intl.ListFormat(words.locale).format(queries) }))] : [];
  if (links.length > 0) searched.push(make('p', '', {}, words.text('sources')));
  addStyles(log.list);
  log.note(`sources ${turn}`, 'sources', ...searched, ...(links.length > 0 ? [make('ul', '', {}, ...links)] : []));
  // A frame that is replaced is loaded again.
  const shown = log.list.querySelectorAll(`iframe[name="${turn}"]`).length;
  if (suggestions.length > shown) await showSuggestions(log, words, turn, suggestions, service);
}

/**
 * @param {import('./panel.js').Log} log
 * @param {import('./words.js').Words} words
 * @param {number} turn
 * @param {string[]} suggestions
 * @param {string} service
 */
async function showSuggestions(log, words, turn, suggestions, service) {
  const { suggestionsFrame } = await importOrFail(import('./suggestions.js'));
  const frames = suggestions.map((html) => suggestionsFrame(service, html, words.text('suggestions')));
  for (const frame of frames) frame.name = String(turn);
  log.note(`suggestions ${turn}`, 'suggestions', ...frames);
}
