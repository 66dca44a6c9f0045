/** What a person is showing, as they see it themselves. */

import { make } from './dom.js';

/**
 * @param {import('./panel.js').Panel} panel
 * @param {import('./words.js').Words} words
 * @param {import('../live/session.js').SessionEvents['video']} shown null for nothing any more
 */
export function preview(panel, words, shown) {
  panel.element.querySelector('.preview')?.remove();
  if (shown === null) return;
  const video = make('video', 'preview-video', { 'aria-label': words.say('preview'), playsinline: '' });
  video.muted = true;
  video.autoplay = true;
  video.srcObject = shown.stream;
  panel.notice.before(make('div', 'preview', {}, video));
}
