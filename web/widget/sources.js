/** What an answer is grounded on, as links that say where they lead. */

import { make } from './dom.js';
import { dress } from './extra-styles.js';

/**
 * @param {import('./log.js').Log} log
 * @param {import('./words.js').Words} words
 * @param {import('../live/session.js').SessionEvents['sources']} found whole so far
 */
export function showSources(log, words, { turn, queries, sources }) {
  const links = sources.flatMap(({ title, url }) => {
    const address = URL.canParse(url) ? new URL(url) : null;
    // They come from a model: nothing but a web page may be opened by them.
    if (address?.protocol !== 'https:' && address?.protocol !== 'http:') return [];
    const away = { href: address.href, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' };
    const link = make('a', 'source', away, title || address.host, make('span', 'unseen', {}, ` (${words.say('new.tab')})`));
    const host = title === address.host ? '' : make('span', 'source-host', { dir: 'ltr' }, address.host);
    return [make('li', '', {}, link, ' ', host)];
  });
  const searched = queries.length > 0 ? [make('p', '', {}, words.say('searched', { queries: new Intl.ListFormat(words.locale).format(queries) }))] : [];
  if (links.length > 0) searched.push(make('p', '', {}, words.say('sources')));
  dress(log.list);
  log.note(`sources ${turn}`, 'sources', ...searched, ...(links.length > 0 ? [make('ul', '', {}, ...links)] : []));
}
