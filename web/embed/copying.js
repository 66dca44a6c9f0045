/** Buttons that copy a field. */

import { element } from '../page/elements.js';

/**
 * Makes each button with `data-copies` copy the field with that id.
 * @param {HTMLElement} status shows the result
 */
export function copies(status) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('button[data-copies]'))) {
    const field = element(button.dataset.copies ?? '', HTMLTextAreaElement);
    button.addEventListener('click', async () => {
      status.textContent = '';
      status.textContent = (await copied(field)) ? 'Copied.' : 'Selected. Copy it with the keyboard or the browser’s menu.';
    });
  }
}

/** @param {HTMLTextAreaElement} field @returns {Promise<boolean>} false if the browser or the person does not allow it */
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
