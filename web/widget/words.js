/** The widget's strings in one language, with its number formats. */

import { nearest } from './locales/index.js';

/** @typedef {Record<string, string>} Strings by the keys of `locales/en.js` */

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
    const { default: strings } = await import(`./locales/${language}.js`);
    return new Words({ ...strings, ...overrides }, regional(tag, language));
  }

  get locale() {
    return this.#locale;
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
    return this.#strings[key].replace(/\{(\w+)\}/g, (_, name) => fill[name]);
  }

  /** @param {number} seconds @returns {string} such as “12 min” or “30 sec” */
  span(seconds) {
    const [value, unit] = seconds > 90 ? [Math.round(seconds / 60), 'minute'] : [Math.ceil(seconds), 'second'];
    return new Intl.NumberFormat(this.#locale, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
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
