/** The widget's strings in one language, with its number formats, and the message for an error. */

import { nearest } from './locales/index.js';

/** @typedef {import('../live/errors.js').LiveError} LiveError */
/** @typedef {Record<string, string>} Strings by the keys of `locales/en.js` */

/**
 * Literal names, because a bundler leaves others as they are.
 * @type {Record<string, () => Promise<{default: Strings}>>}
 */
const LOADERS = {
  en: () => import('./locales/en.js'),
  tr: () => import('./locales/tr.js'),
  de: () => import('./locales/de.js'),
  fr: () => import('./locales/fr.js'),
  es: () => import('./locales/es.js'),
  pt: () => import('./locales/pt.js'),
  it: () => import('./locales/it.js'),
  ar: () => import('./locales/ar.js'),
  hi: () => import('./locales/hi.js'),
  ja: () => import('./locales/ja.js'),
  ko: () => import('./locales/ko.js'),
  zh: () => import('./locales/zh.js'),
};

/** Looks strings up, and fills in their placeholders. */
export class Words {
  #strings;
  #locale;

  /**
   * @param {Strings} strings
   * @param {string} locale for numbers and times
   */
  constructor(strings, locale) {
    this.#strings = strings;
    this.#locale = locale;
  }

  /**
   * @param {string} tag
   * @param {Strings} overrides of the host
   */
  static async load(tag, overrides) {
    const language = nearest(tag);
    const { default: strings } = await LOADERS[language]();
    return new Words({ ...strings, ...overrides }, regional(tag, language));
  }

  get locale() {
    return this.#locale;
  }

  get strings() {
    return this.#strings;
  }

  /** @param {string} key */
  has(key) {
    return key in this.#strings;
  }

  /**
   * @param {string} key
   * @param {Record<string, string>} [fill] by the placeholders' names
   */
  text(key, fill = {}) {
    // A host may have overridden it with anything.
    return `${this.#strings[key] ?? ''}`.replace(/\{(\w+)\}/g, (_, name) => fill[name]);
  }

  /** @param {number} seconds from now @returns {string} such as “in 30 seconds” */
  until(seconds) {
    const format = new Intl.RelativeTimeFormat(this.#locale);
    if (seconds > 5400) return format.format(Math.ceil(seconds / 3600), 'hour');
    return seconds > 90 ? format.format(Math.ceil(seconds / 60), 'minute') : format.format(seconds, 'second');
  }
}

/** @param {string} tag from the page @param {string} language */
function regional(tag, language) {
  try {
    // The page's own region, if the strings are in its language.
    return tag.startsWith(language) ? Intl.getCanonicalLocales(tag)[0] : language;
  } catch {
    return language; // not a language tag, such as `en_US`
  }
}

/**
 * Codes that mean the same to a person as another one.
 * @type {Record<string, string>}
 */
const ALIKE = {
  'token-service-unreachable': 'connection-lost',
  'token-answer-invalid': 'setup-refused',
  'token-ended': 'lease-over',
  'lease-refused': 'lease-over',
  'message-refused': 'conversation-refused',
  'resume-refused': 'context-lost',
  'page-incomplete': 'page-fault',
  'screen-missing': 'screen-busy',
  'camera-unsupported': 'video-unsupported',
  'screen-unsupported': 'video-unsupported',
};

/**
 * @param {LiveError} error
 * @param {boolean} guest whether the site signs nobody in: then a required credential is the site's to fix
 * @returns {LiveError} as it means to the person
 */
export function seenBy(error, guest) {
  return guest && error.status === 401 ? Object.assign(Object.create(error), { code: 'setup-refused', status: 403 }) : error;
}

/** @param {LiveError} error @param {Words} words @returns {string | undefined} the key of its sentence, if *words* has one */
const keyOf = ({ code }, words) => [code, ALIKE[code]].map((name) => `error.${name}`).find((name) => words.has(name));

/** Whether these words have a sentence for an error's code. @param {LiveError} error @param {Words} words */
export const hasMessageFor = (error, words) => keyOf(error, words) !== undefined;

/**
 * @param {LiveError} error
 * @param {Words} words
 * @returns {string} the sentence for its code, or for its kind; a host may set its own for each code
 */
export function messageFor(error, words) {
  const { retryAfter } = error;
  const ofKind = `error.${kind(error)}`;
  const key = keyOf(error, words) ?? (words.has(ofKind) ? ofKind : 'error');
  const message = words.text(key);
  return retryAfter ? `${message} ${words.text('wait', { time: words.until(retryAfter) })}` : message;
}

/** @param {LiveError} error @returns {string | undefined} the code that comes closest, for a code without a sentence */
function kind({ retryable, status }) {
  if (status === 401) return 'authentication-required';
  // A final refusal by the service is the site's to fix.
  if (retryable) return 'service-failed';
  return status === undefined ? undefined : 'setup-refused';
}

/**
 * @param {LiveError} error
 * @returns {'retry' | 'write' | 'dismiss'} the key of its label
 */
export function remedy({ code, retryable, status }) {
  if (/^microphone-(?!lost)/.test(code)) return 'write';
  // The site may have signed the person in meanwhile: its credential is requested again.
  return retryable || status === 401 ? 'retry' : 'dismiss';
}
