/** What is loaded with the page: one button, small enough for any page. */

import { addStyles, icon, make } from './dom.js';
import languages, { nearest } from './locales/index.js';

const STYLES = `
  :host {
    all: initial; color-scheme: inherit; visibility: inherit; letter-spacing: inherit; word-spacing: inherit;
    --accent: var(--live-agent-accent, light-dark(#1c6b58, #7ad6bc));
    --on-accent: var(--live-agent-on-accent, light-dark(#fff, #06231b));
    --surface: var(--live-agent-surface, light-dark(#fff, #1a1f1d));
    --ink: var(--live-agent-ink, light-dark(#1b1d1c, #edf1ef));
    --quiet: var(--live-agent-quiet, light-dark(#59605d, #a6b1ac));
    --line: var(--live-agent-line, light-dark(#d9d8d1, #3a4340));
    --radius: var(--live-agent-radius, 20px);
    --space: var(--live-agent-space, 4px);
    --offset: var(--live-agent-offset, 20px);
    display: block;
    font: var(--live-agent-font-size, 16px)/1.5 var(--live-agent-font, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif);
    color: var(--ink);
    -webkit-text-size-adjust: 100%;
  }
  :host([hidden]), [hidden], :host([mode="headless"]) .frame, :host(:not([mode="headless"])) > slot { display: none !important; }
  :host([theme="light"]) { color-scheme: light; }
  :host([theme="dark"]) { color-scheme: dark; }
  :host([mode="headless"]) { all: unset; display: contents; }
  *, ::before, ::after { box-sizing: border-box; }
  .frame {
    --x: max(var(--offset), env(safe-area-inset-left), env(safe-area-inset-right));
    --y: max(var(--offset), env(safe-area-inset-bottom), env(safe-area-inset-top));
    position: fixed; z-index: var(--live-agent-z-index, 2147483000);
    inset-inline-end: var(--x); inset-block-end: var(--y);
  }
  :host([corner$="start"]) .frame { inset-inline: var(--x) auto; }
  :host([corner^="top"]) .frame { inset-block: var(--y) auto; }
  :host([mode="inline"]) .frame { position: static; }
  svg {
    width: 24px; height: 24px; flex: none;
    fill: none; stroke: currentcolor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round;
  }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
  .launcher {
    display: inline-flex; gap: 10px; align-items: center;
    min-height: 56px; padding-block: 8px; padding-inline: 12px 22px;
    border: 1px solid transparent; border-radius: calc(var(--radius) * 1.4);
    font: inherit; font-weight: 600; text-align: start;
    color: var(--on-accent); background: var(--accent);
    box-shadow: 0 6px 24px rgb(0 0 0/18%);
    cursor: pointer;
  }
  .launcher:hover { filter: brightness(1.08); }
  .launcher[aria-busy] { cursor: progress; opacity: .8; }
  .avatar { display: grid; place-items: center; width: 36px; height: 36px; flex: none; }
  .avatar ::slotted(*) { width: 100%; height: 100%; border-radius: 50%; object-fit: cover; }
  @media (forced-colors: active) { .launcher { border-color: ButtonText; } }
`;

/** The button, and the frame that it shares with the panel. */
export class Facade {
  #root;
  #label = make('span', 'launcher-label');
  #defaultLabel = '';
  // There is only one slot: it moves to the part that is shown.
  #avatar = make('span', 'avatar', {}, make('slot', '', { name: 'avatar' }, icon('M4 10v4M8 7v10M12 3.5v17M16 7v10M20 10v4')));
  launcher = make('button', 'launcher', { type: 'button', 'aria-haspopup': 'dialog' }, this.#avatar, this.#label);
  frame = make('div', 'frame', {}, this.launcher);
  /** The label if the rest cannot be loaded. */
  unreachable = '';

  /** @param {ShadowRoot} root */
  constructor(root) {
    this.#root = root;
    addStyles(root, STYLES);
    root.replaceChildren(this.frame, make('slot', ''));
  }

  /**
   * @param {string} tag the page's language
   * @param {import('./words.js').Strings} strings of the host
   */
  translate(tag, { launcher, unreachable }) {
    const language = nearest(tag);
    this.frame.lang = language;
    this.frame.dir = language === 'ar' ? 'rtl' : 'ltr';
    this.#defaultLabel = launcher ?? languages[language].launcher;
    this.unreachable = unreachable ?? languages[language].unreachable;
    this.setLabel('');
  }

  /** @param {string} text empty for the default */
  setLabel(text) {
    this.#label.textContent = text || this.#defaultLabel;
  }

  /** @param {HTMLElement} panel @param {string} styles */
  adopt(panel, styles) {
    addStyles(this.#root, styles);
    this.frame.append(panel);
  }

  /** @param {HTMLElement | null} header that shows the avatar while the panel is open; null for the button */
  lendAvatar(header) {
    (header ?? this.launcher).prepend(this.#avatar);
    this.launcher.hidden = header !== null;
  }
}
