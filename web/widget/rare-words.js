/** The widget's strings of its less common parts; loaded with the first of these parts. */

import { importOrFail } from '../live/errors.js';
import { nearest } from './locales/index.js';
import { Words } from './words.js';

/**
 * Literal names, because a bundler leaves others as they are.
 * @type {Record<string, () => Promise<{default: import('./words.js').Strings}>>}
 */
const LOADERS = {
  en: () => import('./rare/en.js'),
  tr: () => import('./rare/tr.js'),
  de: () => import('./rare/de.js'),
  fr: () => import('./rare/fr.js'),
  es: () => import('./rare/es.js'),
  pt: () => import('./rare/pt.js'),
  it: () => import('./rare/it.js'),
  ar: () => import('./rare/ar.js'),
  hi: () => import('./rare/hi.js'),
  ja: () => import('./rare/ja.js'),
  ko: () => import('./rare/ko.js'),
  zh: () => import('./rare/zh.js'),
};

/**
 * @param {Words} words of a panel
 * @returns {Promise<Words>} these and the rarely needed ones, in its language
 * @throws {import('../live/errors.js').LiveError} `page-incomplete`
 */
export async function rareWords(words) {
  const { default: strings } = await importOrFail(LOADERS[nearest(words.locale)]());
  return new Words({ ...strings, ...words.strings }, words.locale);
}
