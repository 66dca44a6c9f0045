/** Gets the page's elements by id, with their types. */

/**
 * @template {Element} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`The page has no ${kind.name} with the id ${id}.`);
}

/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);

/** @param {string} id */
export const block = (id) => element(id, HTMLElement);

/**
 * Sets a text, and hides its element if the text is empty.
 * @param {HTMLElement} place
 * @param {string} text
 */
export function setText(place, text) {
  place.textContent = text;
  place.hidden = text === '';
}
