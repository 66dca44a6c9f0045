/** Camera and screen sharing: the buttons and the preview. */

import { icon, make } from './dom.js';
import { addStyles } from './extra-styles.js';

const CAMERA = 'M5 6.5h8a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2ZM15 11l6-3v8l-6-3';
const SCREEN = 'M5 4.5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2ZM8.5 20h7M12 13.5v-6M9.5 9.5 12 7l2.5 2.5';
const TURN = 'M4 11a8 8 0 0 1 14-4.5L20 9M20 4v5h-5M20 13a8 8 0 0 1-14 4.5L4 15M4 20v-5h5';

/** @typedef {import('./words.js').Words} Words */

/** Shows the buttons that the profile allows, and the preview. */
export class Showing {
  #session;
  #attempt;
  #chosen;
  #buttons;
  #video = make('video', 'preview-video', { playsinline: '' });
  #flip = make('button', 'flip', { type: 'button' }, icon(TURN));
  #preview = make('div', 'preview', { hidden: '' }, this.#video, this.#flip);
  /** @type {'camera' | 'screen' | null} */
  #kind = null;

  /**
   * @param {import('./panel.js').Panel} panel
   * @param {import('../live/session.js').LiveSession} session
   * @param {(action: () => Promise<void>) => void} attempt reports a device that cannot be opened
   * @param {import('./settings.js').Chosen} chosen
   */
  constructor(panel, session, attempt, chosen) {
    this.#session = session;
    this.#attempt = attempt;
    this.#chosen = chosen;
    this.#video.muted = true;
    this.#video.autoplay = true;
    this.#buttons = { camera: panel.button('camera', [CAMERA]), screen: panel.button('screen', [SCREEN]) };
    this.#buttons.camera.addEventListener('click', () => this.#toggle('camera'));
    this.#buttons.screen.addEventListener('click', () => this.#toggle('screen'));
    this.#flip.addEventListener('click', () => attempt(() => session.switchCamera()));
    session.on('video', (shown) => this.#show(shown));
    panel.start.before(this.#buttons.camera, this.#buttons.screen);
    panel.notice.before(this.#preview);
    addStyles(panel.element);
  }

  /** @param {boolean} live @param {Words} words */
  refresh(live, words) {
    const { features } = this.#session;
    for (const kind of /** @type {const} */ (['camera', 'screen'])) {
      this.#buttons[kind].hidden = !live || !features?.video?.includes(kind) || !offered(kind);
      this.#buttons[kind].ariaPressed = String(this.#kind === kind);
    }
    this.#video.ariaLabel = words.text('preview');
    this.#flip.ariaLabel = this.#flip.title = words.text('flip');
  }

  /** Switches to the chosen camera, if one is shown. */
  async again() {
    if (this.#kind === 'camera') await this.#open('camera');
  }

  /** @param {'camera' | 'screen'} kind */
  #toggle(kind) {
    if (this.#kind === kind) this.#session.stopVideo();
    else this.#attempt(() => this.#open(kind));
  }

  /** @param {'camera' | 'screen'} kind */
  #open(kind) {
    const { camera } = this.#chosen;
    if (kind === 'screen') return this.#session.showScreen();
    return this.#session.showCamera(camera ? { deviceId: { exact: camera } } : undefined);
  }

  /** @param {import('../live/session.js').SessionEvents['video']} shown */
  async #show(shown) {
    this.#kind = shown?.kind ?? null;
    this.#video.srcObject = shown?.stream ?? null;
    this.#preview.hidden = shown === null;
    for (const [kind, button] of Object.entries(this.#buttons)) button.ariaPressed = String(this.#kind === kind);
    this.#flip.hidden = true;
    const { cameras } = await this.#session.devices();
    this.#flip.hidden = this.#kind !== 'camera' || cameras.length < 2;
  }
}

/** @param {'camera' | 'screen'} kind */
function offered(kind) {
  // Phones have no getDisplayMedia. An insecure page has neither; its button stays, and reports why it cannot.
  return kind === 'camera' || !isSecureContext || 'getDisplayMedia' in navigator.mediaDevices;
}
