/** Shows a box in place of the conversation; loaded with the first such box. */

/**
 * Shows a box in place of the conversation until it is settled, or closed with Escape.
 * @template Answer
 * @param {import('./panel.js').Panel} panel
 * @param {HTMLElement} box
 * @param {(settle: (answer: Answer | null) => void) => void} wire
 * @returns {Promise<Answer | null>} null if it was closed
 */
export function over(panel, box, wire) {
  panel.leave?.();
  const before = /** @type {ShadowRoot} */ (panel.element.getRootNode()).activeElement;
  panel.element.dataset.over = '';
  panel.header.after(box);
  return new Promise((resolve) => {
    /** @param {Answer | null} answer */
    const settle = (answer) => {
      box.remove();
      delete panel.element.dataset.over;
      panel.leave = null;
      if (before instanceof HTMLElement) before.focus();
      resolve(answer);
    };
    panel.leave = () => settle(null);
    wire(settle);
    box.querySelector('h3')?.focus();
  });
}
