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

/**
 * Keeps what is typed from shortcuts of the page, which cannot see that it is typed into a field.
 * @param {HTMLElement} element whose fields are meant
 */
export function keepKeys(element) {
  for (const type of /** @type {const} */ (['keydown', 'keypress', 'keyup'])) {
    element.addEventListener(type, (event) => {
      const isForPage = event.ctrlKey || event.metaKey || /^(Escape|Tab|F\d+)$/.test(event.key);
      if (!isForPage && /** @type {HTMLElement} */ (event.target).matches('input, select, textarea')) event.stopPropagation();
    });
  }
}
