/** Styles of the rarely used parts of the panel. */

import { addStyles as add } from './dom.js';

const STYLES = `
  .prompts { display: flex; flex-wrap: wrap; gap: var(--gap); padding: var(--gutter) var(--inset) 0; }
  .greeting[hidden] + .prompts { display: none; }
  .prompt { min-height: 44px; padding: var(--space) var(--inset); border-color: var(--edge); border-radius: var(--pill); text-align: start; }
  .preview { position: relative; flex: none; align-self: start; margin-block: var(--space) var(--gap); }
  .preview-video { display: block; max-width: 100%; max-height: 180px; border-radius: var(--round); background: #000; }
  .flip { position: absolute; inset: auto 6px 6px auto; inset-inline: auto 6px; border-radius: 50%; color: #fff; background: rgb(0 0 0/60%); }
  .panel[data-over] > :not(.header, .over) { display: none; }
  .over { display: flex; flex: 1; flex-direction: column; gap: var(--gutter); padding: var(--gutter) var(--inset) var(--inset); overflow-y: auto; }
  .over h3 { margin: 0; font-size: 1.25em; outline: none; }
  .over > button { min-height: 52px; border-color: var(--edge); border-radius: var(--pill); font-weight: 600; }
  .over > button:not(button ~ button) { margin-block-start: auto; }
  .over > .agree { color: var(--on-accent); background: var(--accent); border-color: transparent; }
  .row { display: block; margin-block-end: var(--gutter); font-weight: 600; }
  .choice, .volume { display: block; width: 100%; margin-block-start: var(--space); padding-inline: var(--gutter); border-color: var(--edge); font-weight: 400; background-color: var(--surface); accent-color: var(--accent); }
  .choice {
    padding-inline-end: 36px; appearance: none;
    background: linear-gradient(45deg, #0000 50%, currentcolor 0) calc(100% - 18px) 55%/6px 6px no-repeat, linear-gradient(-45deg, #0000 50%, currentcolor 0) calc(100% - 12px) 55%/6px 6px no-repeat;
  }
  .choice:dir(rtl) { background-position: 12px 55%, 18px 55%; }
  .volume { min-height: 24px; margin-block: var(--space); padding: 0; }
  .rating { display: flex; gap: var(--gap); align-items: center; margin-block-end: var(--gap); padding: 6px; padding-inline-start: var(--inset); border-radius: var(--round); background: var(--sunken); min-height: 56px; }
  .rating p { flex: 1; }
  .question { display: flex; flex-wrap: wrap; gap: var(--gap); margin-block-end: var(--gap); padding: var(--gutter) var(--inset); border: 1px solid var(--edge); border-radius: var(--round); background: var(--sunken); }
  .question p { flex: 1 0 100%; margin: 0; font-weight: 600; }
  .question button { flex: 1; min-height: 44px; border-color: var(--edge); border-radius: var(--pill); font-weight: 600; }
  .question .agree { color: var(--on-accent); background: var(--accent); border-color: transparent; }
  .rating-bad svg { transform: rotate(180deg); }
  .sources p:nth-last-child(2) { display: inline; margin-inline-end: var(--gap); }
  .sources ul { display: inline-flex; flex-wrap: wrap; gap: 0 var(--gutter); margin: 0; padding: 0; list-style: none; }
  .launcher:has(.minimized:not([hidden])) { display: inline-grid; grid-template-columns: auto auto; gap: 0 10px; max-width: calc(100% - 64px); }
  .launcher .avatar { grid-row: span 2; }
  .frame:has(.hang-up:not([hidden])) { display: flex; gap: var(--gap); align-items: center; max-width: calc(100vw - 2 * var(--offset)); }
  .minimized { display: flex; gap: var(--space); align-items: center; font-size: .8125em; font-weight: 400; line-height: 1.3; }
  .minimized svg { width: 16px; height: 16px; }
  .hang-up { flex: none; width: 56px; height: 56px; border-radius: calc(var(--radius) * 1.4); color: #fff; background: var(--end); box-shadow: 0 6px 24px rgb(0 0 0/24%); }
  .hang-up:hover { background: var(--end); filter: brightness(1.08); }
  .source { color: var(--accent); }
  .interrupted :is(.source, .source-host) { color: inherit; }
  .source-host { color: var(--quiet); font-size: .875em; }
  .said { display: grid; gap: var(--gap); }
  .said :is(ul, ol) { margin: 0; padding-inline-start: 24px; }
  .said code { padding: 1px 4px; border-radius: 5px; background: var(--sunken); font-size: .9em; }
  .said pre { margin: 0; white-space: pre-wrap; }
  .said pre code { display: block; padding: var(--gap) var(--gutter); border-radius: var(--round); }
  .interrupted .said > :last-child::after { content: " …"; }
  .suggestion { display: block; border: 0; }
  .suggestions { padding: 0; }
  .sources, .hint { color: var(--quiet); font-size: .875em; }
  @media (forced-colors: active) { .choice { appearance: auto; } }
  @media (max-height: 480px) {
    .preview { position: absolute; inset-block-start: 64px; inset-inline-end: var(--gutter); z-index: 1; max-width: 160px; }
    .panel:has(.preview:not([hidden])) .log { padding-inline-end: 172px; }
  }
`;

/** @param {HTMLElement} element in the shadow root that gets these styles */
export function addStyles(element) {
  add(/** @type {ShadowRoot} */ (element.getRootNode()), STYLES);
}
