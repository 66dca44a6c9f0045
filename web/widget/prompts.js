/** Shows suggested first lines, as buttons below the greeting. */

import { make } from './dom.js';
import { addStyles } from './extra-styles.js';

/**
 * @param {HTMLElement} greeting they are hidden with it
 * @param {string} suggestions separated by `|`
 * @param {(text: string) => void} send
 */
export function showPrompts(greeting, suggestions, send) {
  const buttons = suggestions.split('|').map((part) => part.trim()).filter(Boolean).map((text) => {
    const button = make('button', 'prompt', { type: 'button', dir: 'auto' }, text);
    button.addEventListener('click', () => send(text));
    return button;
  });
  addStyles(greeting);
  greeting.parentElement?.querySelector('.prompts')?.remove();
  if (buttons.length > 0) greeting.after(make('div', 'prompts', { role: 'group', 'aria-labelledby': 'greeting' }, ...buttons));
}
