/** Makes elements, without HTML: Trusted Types leave no other way, and hostile text no better one. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} part what it is called in our style sheet and in a host's `::part()`; empty for neither
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, part, attributes = {}, ...children) {
  const element = document.createElement(name);
  if (part) {
    element.className = part;
    element.setAttribute('part', part);
  }
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** @param {string} path SVG path data, drawn as a line on a square of 24 */
export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const drawn = document.createElementNS(SVG, 'path');
  drawn.setAttribute('d', path);
  svg.append(drawn);
  return svg;
}

/** @param {string} css @returns {CSSStyleSheet} the only kind of style that a strict policy lets a stranger bring */
export function sheet(css) {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}

/**
 * Says something, or takes it away.
 * @param {HTMLElement} place
 * @param {string} sentence empty for nothing
 */
export function tell(place, sentence) {
  if (place.textContent !== sentence) place.textContent = sentence;
  place.hidden = sentence === '';
}
