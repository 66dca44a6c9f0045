/** Styles of the rarely used parts of the panel. */

import { addStyles as add } from './dom.js';

const STYLES = `
  .preview { position: relative; flex: none; align-self: center; margin: 0 16px 8px; }
  .preview-video { display: block; max-width: 100%; max-height: 180px; border-radius: 14px; background: #000; }
  .flip { position: absolute; inset: auto 6px 6px auto; inset-inline: auto 6px; border-radius: 50%; color: #fff; background: rgb(0 0 0/60%); }
  .over > button { align-self: center; width: 100%; }
  .panel[data-over] > :not(.header, .over) { display: none; }
  .over { display: flex; flex: 1; flex-direction: column; gap: 14px; padding: 12px 20px 20px; overflow-y: auto; }
  .over h3 { margin: 0; font-size: 1.125rem; outline: none; }
  .over > button { min-height: 52px; border-color: var(--edge); border-radius: 26px; font-weight: 600; }
  .over > .agree { color: var(--on-accent); background: var(--accent); border-color: transparent; }
  .row { display: block; margin-block-end: 12px; font-weight: 600; font-size: .9375rem; }
  .choice, .volume { display: block; width: 100%; margin-block-start: 4px; padding-inline: 12px; border-color: var(--edge); font-weight: 400; background: var(--surface); accent-color: var(--accent); }
  .volume { padding: 0; }
  .rating { display: flex; gap: 8px; align-items: center; margin: 0 16px 8px; padding: 6px 6px 6px 16px; padding-inline: 16px 6px; border-radius: 16px; background: var(--sunken); font-size: .9375rem; min-height: 56px; }
  .rating p { flex: 1; }
  .question { display: flex; flex-wrap: wrap; gap: 8px; margin: 0 16px 8px; padding: 12px 16px; border: 1px solid var(--edge); border-radius: 16px; background: var(--sunken); }
  .question p { flex: 1 0 100%; margin: 0; font-weight: 600; }
  .question button { flex: 1; min-height: 44px; border-color: var(--edge); border-radius: 22px; font-weight: 600; }
  .question .agree { color: var(--on-accent); background: var(--accent); border-color: transparent; }
  .rating-bad svg { transform: rotate(180deg); }
  .sources { display: grid; gap: 4px; }
  .sources ul { display: grid; gap: 4px; margin: 0; padding: 0; list-style: none; }
  .source { color: var(--accent); }
  .suggestion { display: block; border: 0; }
  .sources, .hint { color: var(--quiet); font-size: .875rem; }
`;

/** @param {HTMLElement} element in the shadow root that gets these styles */
export function addStyles(element) {
  add(/** @type {ShadowRoot} */ (element.getRootNode()), STYLES);
}
