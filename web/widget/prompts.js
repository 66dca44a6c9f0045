/** Shows suggested first lines, as buttons. */

import { make } from './dom.js';
import { addStyles } from './extra-styles.js';

/**
 * @param {HTMLElement} box
 * @param {string} suggestions separated by `|`
 * @param {(text: string) => void} send
 */
export function showPrompts(box, suggestions, send) {
  const texts = suggestions.split('|').map((text) => text.trim()).filter(Boolean);
  const buttons = texts.map((text) => {
    const button = make('button', 'prompt', { type: 'button', dir: 'auto' }, text);
    button.addEventListener('click', () => send(text));
    return button;
  });
  addStyles(box);
  box.replaceChildren(...buttons);
}
