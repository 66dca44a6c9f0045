/** The panel's styles, made of the tokens in `facade.js`: light, dark and forced colors, wide, on a phone, and on its side. */

export const STYLES = `
  :host {
    --soft: color-mix(in srgb, var(--accent) 13%, var(--surface));
    --sunken: color-mix(in srgb, var(--ink) 6%, var(--surface));
    --edge: color-mix(in srgb, var(--ink) 55%, var(--surface));
    --error: var(--live-agent-error, light-dark(#b3261e, #ffb4ab));
    --end: var(--live-agent-end, #b3261e);
    --gap: calc(var(--space) * 2);
    --gutter: calc(var(--space) * 3);
    --inset: calc(var(--space) * 4);
    --round: calc(var(--radius) * .8);
    --pill: calc(var(--radius) * 1.3);
  }
  .panel {
    display: flex; flex-direction: column;
    width: min(var(--live-agent-width, 392px), 100vw - 2 * var(--offset));
    height: min(var(--live-agent-height, 660px), 100dvh - 2 * var(--offset));
    padding-inline: var(--gutter);
    overflow: auto;
    border: 1px solid var(--line); border-radius: var(--radius);
    color: var(--ink); background: var(--surface);
    box-shadow: 0 12px 40px rgb(0 0 0/18%);
    overflow-wrap: anywhere;
  }
  :host([mode="inline"]) .frame { display: grid; height: 100%; }
  :host([mode="inline"]) .panel {
    width: 100%; height: var(--live-agent-height, 100%); min-height: 480px; box-shadow: none;
    padding-inline: max(var(--gutter), 50% - 320px);
  }
  h2, p { margin: 0; font-size: inherit; }
  .unseen, .header button span, .send span {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }

  .header { display: flex; gap: var(--space); align-items: center; padding-block: var(--gutter) var(--space); }
  .header .avatar { margin-inline-end: var(--gap); color: var(--accent); background: var(--soft); border-radius: 50%; width: 44px; height: 44px; }
  .heading { flex: 1; min-width: 0; }
  .title { font-weight: 600; line-height: 1.3; }
  .status, .left, .tool, .notice, .privacy, .footer { color: var(--quiet); font-size: .875em; }
  .status, .left { display: inline; }
  .left { white-space: nowrap; }
  .status:has(+ .left:not([hidden]))::after { content: " ·"; }

  button, textarea, select, input {
    min-height: 44px; min-width: 44px; margin: 0; border: 1px solid transparent; border-radius: var(--round);
    font: inherit; color: inherit; background: none;
  }
  button { display: inline-flex; gap: var(--gap); align-items: center; justify-content: center; padding: 6px 10px; cursor: pointer; }
  button:hover { background: var(--sunken); }

  .visualizer { display: flex; gap: var(--space); flex: none; align-items: center; height: 36px; margin: var(--space) var(--inset) var(--gap); color: var(--accent); }
  .visualizer i { min-height: 6px; max-height: 100%; border: solid; border-width: 0 0 0 6px; border-radius: 3px; transition: .15s; }
  .visualizer:not([data-voice=""]) i { height: 30%; &:nth-child(even) { height: 60%; } &:nth-child(3) { height: 100%; } }
  .visualizer:is([data-voice=""], [data-voice="microphone"]) { color: var(--edge); }
  .log:empty, .log:not(:empty) + [data-voice="none"], :host([input="text"]) .visualizer:not([data-voice="none"]) { display: none; }
  .log:empty + .visualizer { height: 48px; margin-block-start: auto; }
  .log:empty + .visualizer:has(+ [hidden]) { align-self: center; margin-block-end: auto; scale: 2; }
  .greeting, .privacy { text-wrap: pretty; }
  .greeting { padding-inline: var(--inset); font-size: 1.25em; font-weight: 600; line-height: 1.3; }
  .privacy { margin-block: auto var(--gutter); padding: var(--inset) var(--inset) 0; }
  .notice { margin-block: var(--space) var(--gap); padding: var(--gap) var(--inset); border-radius: var(--round); background: var(--sunken); }
  .log {
    display: flex; flex: 1 1 120px; flex-direction: column; gap: var(--gap); min-height: 88px;
    padding-block: var(--gutter); overflow-y: auto; overscroll-behavior: contain;
    mask: linear-gradient(#0000, #000 var(--gutter) calc(100% - var(--gutter)), #0000);
  }
  .log:focus-visible { outline-offset: -2px; }
  .log > * { padding-inline: var(--inset); }
  .utterance { align-self: start; max-width: 100%; white-space: pre-wrap; }
  .user { padding-block: var(--gap); border-radius: var(--round); background: var(--soft); }
  .interrupted { opacity: .75; }
  .interrupted > span[dir]::after { content: " …"; }

  .error {
    display: flex; flex-wrap: wrap; gap: var(--gap); align-items: center; margin-block-end: var(--gap);
    padding: var(--gap); padding-inline-start: var(--inset);
    border: 1px solid var(--error); border-radius: var(--round);
  }
  .error p { flex: 1 1 60%; }
  .remedy { padding-inline: var(--inset); border-color: var(--edge); font-weight: 600; }

  .composer { display: flex; align-items: flex-end; margin-block-end: var(--gap); border: 1px solid var(--edge); border-radius: var(--pill); }
  .composer:focus-within { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
  .field { flex: 1; max-height: 132px; padding: 10px 0; padding-inline-start: var(--inset); border: 0; resize: none; field-sizing: content; outline: none; }
  .field::placeholder { color: var(--quiet); opacity: 1; }
  .send { border-radius: var(--pill); color: var(--accent); }
  .field:placeholder-shown + .send { color: var(--quiet); }

  .controls { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; padding-block-end: var(--gutter); }
  .controls button { min-height: 52px; min-width: 52px; border-radius: var(--pill); background: var(--sunken); }
  .controls button:is(.camera, .screen, .mute, .silence) span, .controls [aria-pressed="true"] svg:first-child:not(:nth-last-child(2)), .controls [aria-pressed="false"] svg + svg {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .controls button:not(.start, [aria-pressed="true"]):hover { background: color-mix(in srgb, var(--ink) 12%, var(--surface)); }
  .controls [aria-pressed="true"] { color: var(--on-accent); background: var(--accent); }
  .controls .start { flex: 1; padding-inline: var(--gutter); font-weight: 600; line-height: 1.2; white-space: nowrap; }
  .controls .talk, .controls .voice { flex: 1 1 100%; font-weight: 600; }
  .controls .start:not(.end) { color: var(--on-accent); background: var(--accent); }
  .controls .end { flex: 0 1 auto; margin-inline-start: auto; color: #fff; background: var(--end); }
  .controls .start:hover { filter: brightness(1.08); }
  .talk { touch-action: none; user-select: none; -webkit-user-select: none; }

  .footer { padding-inline: var(--inset); }
  .footer ::slotted(*) { padding-bottom: var(--gutter); }

  @media (max-width: 480px), (max-height: 480px) {
    :host(:not([mode="inline"], [mode="headless"])) .frame:has(.panel:not([hidden])) { inset: auto 0 0; }
    :host(:not([mode="inline"])) .panel {
      width: 100%; height: min(100dvh, 760px);
      border-width: 1px 0 0; border-radius: var(--radius) var(--radius) 0 0;
      padding-inline: max(var(--gutter), env(safe-area-inset-left), env(safe-area-inset-right));
      padding-block-end: env(safe-area-inset-bottom);
    }
  }
  @media (max-height: 480px) {
    .panel:not(:has(.log:empty)) .visualizer { display: none; }
    .privacy { padding-block-start: var(--space); }
    :host([mode="inline"]) .panel { min-height: 280px; }
  }
  @media (prefers-reduced-motion) { .visualizer i { transition: none; } }
  @media (forced-colors: active) {
    button, .composer, .user, .notice { border: 1px solid ButtonText; }
    .controls [aria-pressed="true"] { forced-color-adjust: none; color: HighlightText; background: Highlight; }
  }
`;
