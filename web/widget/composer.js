/** Typed text: Enter sends, Shift+Enter starts a new line, and an input method keeps its own Enter. */

/**
 * @param {HTMLFormElement} form
 * @param {HTMLTextAreaElement} field
 * @param {(text: string) => unknown} send called with text that is not empty
 */
export function compose(form, field, send) {
  field.addEventListener('keydown', (event) => {
    // Safari ends a composition before it reports its Enter; only key code 229 tells then (UI Events, 7.3.1).
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
}
