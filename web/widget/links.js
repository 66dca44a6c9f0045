/** Links to what a model names: only addresses that are harmless to open, and never without their host. */

import { make } from './dom.js';

/**
 * @param {string} url
 * @returns {URL | null} null unless it is a web page's, or an e-mail address
 */
export function harmless(url) {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (!address || !/^(https?|mailto):$/.test(address.protocol)) return null;
  // A name before the host looks like the host, and a message that is written already is not the person's.
  const misleads = address.username || address.password || (address.protocol === 'mailto:' && address.search);
  return misleads ? null : address;
}

/**
 * @param {URL} address
 * @param {(Node | string)[]} text
 * @param {string} part
 * @param {import('./words.js').Words} words with the rarely needed ones
 * @returns {(Node | string)[]} a link that opens a new tab, and its host, unless the text begins with that
 */
export function link(address, text, part, words) {
  const host = address.host || address.pathname;
  const away = { href: address.href, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' };
  const shown = make('a', part, away, ...text);
  const named = hostOf(shown.textContent ?? '') === host;
  shown.title = words.text('new.tab');
  return named ? [shown] : [shown, ' ', make('span', 'source-host', { dir: 'ltr' }, host)];
}

/** @param {string} text @returns {string} what a person takes for its host */
function hostOf(text) {
  return text.replace(/^(https?:\/\/|mailto:)/, '').split(/[/?#]/)[0];
}
