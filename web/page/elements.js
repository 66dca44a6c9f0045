/** The page's elements by their ids, each as the kind that it is. */

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
 * Says something, or takes it away.
 * @param {HTMLElement} place
 * @param {string} sentence empty for nothing
 */
export function say(place, sentence) {
  place.textContent = sentence;
  place.hidden = sentence === '';
}
