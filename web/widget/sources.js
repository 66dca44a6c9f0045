/** Shows the sources of an answer, as links with their hosts. */

import { make } from './dom.js';
import { addStyles } from './extra-styles.js';

/**
 * @param {import('./log.js').Log} log
 * @param {import('./words.js').Words} words
 * @param {import('../live/session.js').SessionEvents['sources']} found all so far
 */
export function showSources(log, words, { turn, queries, sources }) {
  const links = sources.flatMap(({ title, url }) => {
    const address = URL.canParse(url) ? new URL(url) : null;
    // They come from a model: only web pages may be opened.
    if (address?.protocol !== 'https:' && address?.protocol !== 'http:') return [];
    const away = { href: address.href, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' };
    const link = make('a', 'source', away, title || address.host, make('span', 'unseen', {}, ` (${words.text('new.tab')})`));
    const host = title === address.host ? '' : make('span', 'source-host', { dir: 'ltr' }, address.host);
    return [make('li', '', {}, link, ' ', host)];
  });
  const searched = queries.length > 0 ? [make('p', '', {}, words.text('searched', { queries: new Intl.ListFormat(words.locale).format(queries) }))] : [];
  if (links.length > 0) searched.push(make('p', '', {}, words.text('sources')));
  addStyles(log.list);
  log.note(`sources ${turn}`, 'sources', ...searched, ...(links.length > 0 ? [make('ul', '', {}, ...links)] : []));
}
