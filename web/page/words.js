/** The page's language, and its strings in it. */

import { importOrFail } from '../live/errors.js';
import languages, { nearest } from '../widget/locales/index.js';
import { ownName } from '../widget/own-name.js';

/** @typedef {Record<string, string>} Strings by the keys of `words/en.js` */

const CHOICE = 'tokensvc-language';

/** Shows strings that follow the language: elements name them in `data-word`, or in `data-label` for their label. */
export class Words {
  /** @type {Strings} */
  #strings = {};

  /**
   * @param {string} tag a BCP 47 language tag
   * @throws {import('../live/errors.js').LiveError} `page-incomplete`; the page keeps its language
   */
  async speak(tag) {
    const language = nearest(tag);
    this.#strings = (await importOrFail(import(`./words/${language}.js`))).default;
    const { documentElement: root } = document;
    root.lang = tag;
    root.dir = language === 'ar' ? 'rtl' : 'ltr';
    document.title = this.#strings.title;
    for (const place of document.querySelectorAll('[data-word], [data-label]')) this.#write(/** @type {HTMLElement} */ (place));
  }

  /** @param {string} key */
  text(key) {
    return this.#strings[key] ?? '';
  }

  /**
   * @param {HTMLElement} place
   * @param {string} key empty to show nothing
   */
  show(place, key) {
    place.dataset.word = key;
    place.hidden = key === '';
    this.#write(place);
  }

  /** @param {HTMLElement} place @param {unknown} error by its code, or as a general error */
  showError(place, error) {
    const { code, status } = /** @type {import('../live/errors.js').LiveError} */ (error);
    const keys = [`error.${code}`, status === 401 ? 'error.signed-out' : 'error'];
    this.show(place, /** @type {string} */ (keys.find((key) => key in this.#strings) ?? 'error'));
  }

  /** @param {HTMLElement} place */
  #write(place) {
    const { word, label } = place.dataset;
    if (word !== undefined) place.textContent = this.text(word);
    if (label) place.ariaLabel = this.#strings[label];
  }
}

/** @returns {string} the chosen language, or the first of the browser's that there is, or English */
export function preferred() {
  const wanted = [stored()?.getItem(CHOICE) ?? '', ...navigator.languages];
  return wanted.find((tag) => tag.split('-')[0] === nearest(tag)) ?? 'en';
}

/**
 * Fills the menu with all languages, each in its own.
 * @param {HTMLSelectElement} menu
 * @param {string} chosen
 * @param {(language: string) => void} change
 */
export function offerLanguages(menu, chosen, change) {
  menu.append(...Object.keys(languages).map((tag) => {
    const option = new Option(ownName(tag), tag, false, tag === nearest(chosen));
    option.lang = tag;
    return option;
  }));
  menu.addEventListener('change', () => {
    stored()?.setItem(CHOICE, menu.value);
    change(menu.value);
  });
}

/** @returns {Storage | null} */
function stored() {
  try {
    return globalThis.localStorage;
  } catch {
    return null; // storage is disabled
  }
}
