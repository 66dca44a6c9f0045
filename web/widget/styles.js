/** The panel's styles: the host's colors, light, dark and forced, wide and on a phone. */

export const STYLES = `
  :host {
    --soft: color-mix(in srgb, var(--accent) 13%, var(--surface));
    --sunken: color-mix(in srgb, var(--ink) 6%, var(--surface));
    --edge: color-mix(in srgb, var(--ink) 55%, var(--surface));
    --stop: light-dark(#b3261e, #ffb4ab);
    --end: var(--live-agent-end, #b3261e);
  }
  .panel {
    display: flex; flex-direction: column;
    width: min(var(--live-agent-width, 392px), 100vw - 2 * var(--offset));
    height: min(var(--live-agent-height, 660px), 100dvh - 2 * var(--offset));
    overflow: auto;
    border: 1px solid var(--line); border-radius: var(--radius);
    color: var(--ink); background: var(--surface);
    box-shadow: 0 12px 48px rgb(0 0 0/24%);
    overflow-wrap: anywhere;
  }
  :host([mode="inline"]) .frame { display: grid; height: 100%; }
  :host([mode="inline"]) .panel { width: 100%; height: var(--live-agent-height, 100%); min-height: 480px; box-shadow: none; }
  h2, p { margin: 0; font-size: inherit; }
  .unseen, .header button span, .send span {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }

  .header { display: flex; gap: 4px; align-items: center; padding: 12px 8px 8px; padding-inline-start: 16px; }
  .header .avatar { margin-inline-end: 8px; color: var(--accent); background: var(--soft); border-radius: 50%; width: 44px; height: 44px; }
  .heading { flex: 1; min-width: 0; }
  .title { font-weight: 600; line-height: 1.3; }
  .status, .left, .tool { color: var(--quiet); font-size: .875rem; }
  .status, .left { display: inline; }
  .left { white-space: nowrap; }
  .status:has(+ .left:not([hidden]))::after { content: " ·"; }

  button, textarea, select, input {
    min-height: 44px; min-width: 44px; margin: 0; border: 1px solid transparent; border-radius: 12px;
    font: inherit; color: inherit; background: none;
  }
  button { display: inline-flex; gap: 8px; align-items: center; justify-content: center; padding: 6px 10px; cursor: pointer; }
  button:hover { background: var(--sunken); }

  .visualizer { flex: none; align-self: center; width: min(100% - 64px, 300px); height: 64px; margin: 8px 0; color: var(--edge); accent-color: var(--accent); }
  .panel:has(.log:empty) .visualizer { height: 120px; margin-block: auto; }
  .log:empty { display: none; }
  .notice { margin: 4px 16px; padding: 8px 12px; border-radius: 10px; background: var(--sunken); font-size: .875rem; }
  .log {
    display: flex; flex: 1 1 120px; flex-direction: column; gap: 8px; min-height: 88px;
    margin: 0 4px; padding: 8px 12px; overflow-y: auto; overscroll-behavior: contain;
  }
  .log:focus-visible { outline-offset: -2px; }
  .utterance { max-width: 88%; white-space: pre-wrap; }
  .user { align-self: flex-end; padding: 8px 14px; border-radius: 16px; border-end-end-radius: 4px; background: var(--soft); }
  .agent { align-self: flex-start; padding: 2px 0; }
  .interrupted { opacity: .75; }
  .interrupted span[dir]::after { content: "…"; }

  .error {
    display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 4px 16px 8px; padding: 10px 14px;
    border: 1px solid var(--stop); border-radius: 12px;
  }
  .error p { flex: 1 1 60%; }
  .remedy { border-color: var(--edge); font-weight: 600; }

  .composer { display: flex; gap: 4px; align-items: flex-end; margin: 0 16px 8px; border: 1px solid var(--edge); border-radius: 24px; }
  .composer:focus-within { border-color: var(--accent); outline: 2px solid var(--accent); outline-offset: 0; }
  .field { flex: 1; max-height: 132px; padding: 10px 8px; padding-inline-start: 18px; border: 0; resize: none; field-sizing: content; outline: none; }
  .field::placeholder { color: var(--quiet); opacity: 1; }
  .send { border-radius: 50%; color: var(--accent); }

  .controls { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; justify-content: center; padding: 0 16px 16px; }
  .controls button { min-height: 52px; min-width: 52px; border-radius: 26px; background: var(--sunken); }
  .controls button:is(.camera, .screen, .mute) span, .controls [aria-pressed="true"] svg:first-child:not(:nth-last-child(2)), .controls [aria-pressed="false"] svg + svg {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .controls button:not(.start, [aria-pressed="true"]):hover { background: color-mix(in srgb, var(--ink) 12%, var(--surface)); }
  .controls [aria-pressed="true"] { color: var(--on-accent); background: var(--accent); }
  .controls .start, .controls .talk, .controls .voice { max-width: 440px; }
  .controls .start { flex: 1 1 130px; font-weight: 600; line-height: 1.2; }
  .controls .talk, .controls .voice { flex: 1 1 100%; font-weight: 600; }
  .controls .start:not(.end) { color: var(--on-accent); background: var(--accent); }
  .controls .end { color: #fff; background: var(--end); }
  .controls .start:hover { filter: brightness(1.08); }
  .talk { touch-action: none; user-select: none; -webkit-user-select: none; }

  .footer { padding: 0 16px; color: var(--quiet); font-size: .8125rem; text-align: center; }
  .footer ::slotted(*) { padding-bottom: 12px; }

  @media (max-width: 480px) {
    :host(:not([mode="inline"], [mode="headless"])) .frame:has(.panel:not([hidden])) { inset: auto 0 0; }
    :host(:not([mode="inline"])) .panel {
      width: 100%; height: min(100dvh, 760px);
      border-width: 1px 0 0; border-radius: var(--radius) var(--radius) 0 0;
      padding: 0 env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left);
    }
  }
  @media (max-height: 480px) { .log { flex: none; max-height: none; overflow: visible; } }
  @media (forced-colors: active) {
    button, .composer, .user, .notice { border: 1px solid ButtonText; }
    .controls [aria-pressed="true"] { forced-color-adjust: none; color: HighlightText; background: Highlight; }
    .visualizer { color: CanvasText; accent-color: Highlight; }
  }
`;
