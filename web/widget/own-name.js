/** What a language is called by its speakers. */

/** @param {string} tag a BCP 47 language tag */
export function ownName(tag) {
  const name = new Intl.DisplayNames(tag, { type: 'language' }).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}
