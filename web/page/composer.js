/** Typed text: Enter sends, Shift and Enter begins a line, and an input method's own Enter is left alone. */

import { block, element } from './elements.js';

/** @param {(text: string) => void} send called with text that is not empty */
export function compose(send) {
  const form = element('composer', HTMLFormElement);
  const field = element('text', HTMLTextAreaElement);
  field.addEventListener('keydown', (event) => {
    // Safari ends a composition before it reports its Enter; 229 is then all that tells (UI Events, 7.3.1).
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text === '') return;
    field.value = '';
    send(text);
  });
  return block('composer');
}
