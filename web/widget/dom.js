/** Creates elements without HTML, as Trusted Types require and as is safe for untrusted text. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} part its class, and its name for a host's `::part()`; empty for neither
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, part, attributes = {}, ...children) {
  const element = document.createElement(name);
  if (part) setPart(element, part);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** @param {HTMLElement} element @param {string} part its class, and its name for a host's `::part()` */
export function setPart(element, part) {
  element.className = part;
  element.setAttribute('part', part);
}

/** @param {string} path SVG path data, drawn as a stroke on a square of 24 */
export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const drawn = document.createElementNS(SVG, 'path');
  drawn.setAttribute('d', path);
  svg.append(drawn);
  return svg;
}

/** @type {WeakMap<ShadowRoot, Set<string>>} */
const styles = new WeakMap();

/**
 * Adds style sheets, once, and has those that the root lost when it was moved into another document: constructed ones, the
 * only kind that a strict policy allows a third party, belong to a document.
 * @param {ShadowRoot} root
 * @param {string[]} added
 */
export function addStyles(root, ...added) {
  const all = new Set([...(styles.get(root) ?? []), ...added]);
  styles.set(root, all);
  const view = root.ownerDocument.defaultView;
  if (!view) return; // nothing is shown there
  root.adoptedStyleSheets = Array.from(all, (css) => {
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
  });
}

/**
 * Sets a text, and hides its element if the text is empty.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === '';
}
