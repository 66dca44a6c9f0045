/** Buttons that copy what is in a field. */

import { element } from '../page/elements.js';

/**
 * Each button with `data-copies` copies the field with that id.
 * @param {HTMLElement} status where it is said that it was done
 */
export function copies(status) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('button[data-copies]'))) {
    const field = element(button.dataset.copies ?? '', HTMLTextAreaElement);
    button.addEventListener('click', async () => {
      status.textContent = '';
      status.textContent = (await copied(field)) ? 'Copied.' : 'Selected: copy it with your keyboard or your browser’s menu.';
    });
  }
}

/** @param {HTMLTextAreaElement} field @returns {Promise<boolean>} false where the browser or the person does not let us */
async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // An insecure page has no clipboard at all.
    field.focus();
    field.select();
    return false;
  }
}
