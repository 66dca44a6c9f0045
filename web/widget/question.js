/** Asks the person before a tool of the server takes effect; the conversation goes on meanwhile. */

import { make } from './dom.js';
import { addStyles } from './extra-styles.js';
import { rareWords } from './rare-words.js';

// A click that was meant for what was there before is not an answer.
const GUARD_MS = 500;

/**
 * Shows a question in place of any other, or none.
 * @param {import('./panel.js').Panel} panel
 * @param {import('./panel.js').Log} log
 * @param {import('./words.js').Words} common
 * @param {import('../live/server-tools.js').Question | null} asked
 * @param {() => boolean} current whether it is still to be shown
 * @throws {import('../live/errors.js').LiveError} `page-incomplete`
 */
export async function showQuestion(panel, log, common, asked, current) {
  const shown = panel.element.querySelector('.question');
  if (shown?.contains(/** @type {ShadowRoot} */ (shown.getRootNode()).activeElement)) panel.start.focus();
  shown?.remove();
  const words = await rareWords(common);
  if (asked === null || !current()) return;
  const { question, answer } = asked;
  const agree = make('button', 'agree', { type: 'button', disabled: '' }, words.text('question.agree'));
  const refuse = make('button', 'decline', { type: 'button' }, words.text('consent.decline'));
  setTimeout(() => agree.removeAttribute('disabled'), GUARD_MS);
  agree.onclick = () => answer(true);
  refuse.onclick = () => answer(false);
  const text = make('p', '', { id: 'question' }, question);
  addStyles(panel.element);
  panel.composer.before(make('section', 'question', { role: 'group', 'aria-labelledby': 'question' }, text, agree, refuse));
  log.announce(question);
}
