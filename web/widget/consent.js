/** Asks for consent before a conversation, and remembers it where the host wants that. */

import { hungUp } from '../live/errors.js';
import { make } from './dom.js';
import { addStyles } from './extra-styles.js';
import { over } from './over.js';
import { rareWords } from './rare-words.js';

/** @typedef {import('./element.js').LiveAgent} LiveAgent */

const KEY = 'live-agent-consent';
const DAY_MS = 86_400_000;
// Another number for another meaning: who has agreed to the text before is asked again.
const BUILT_IN_TEXT = 1;

/** Whether the person has agreed to this text, in this browser and not too long ago. @param {LiveAgent} agent */
export function remembered({ consent, consentDays }) {
  if (!(Number(consentDays) > 0)) return false;
  try {
    const { text, at } = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    const age = Date.now() - at;
    return text === (consent || BUILT_IN_TEXT) && age >= 0 && age < Number(consentDays) * DAY_MS;
  } catch {
    return false; // the browser stores nothing for this site, or the site has written something else
  }
}

/** @param {LiveAgent} agent */
function remember({ consent, consentDays }) {
  if (!(Number(consentDays) > 0)) return;
  try {
    localStorage.setItem(KEY, JSON.stringify({ text: consent || BUILT_IN_TEXT, at: Date.now() }));
  } catch {
    // The next page asks again.
  }
}

/**
 * @param {import('./panel.js').Panel} panel
 * @param {import('./words.js').Words} common
 * @param {LiveAgent} agent whose text is that of the host, or empty for the built-in one
 * @returns {Promise<void>}
 * @throws {import('../live/errors.js').LiveError} `hung-up` if the person declines, `page-incomplete`
 */
export async function ask(panel, common, agent) {
  if (remembered(agent)) return;
  const words = await rareWords(common);
  const agree = make('button', 'agree', { type: 'button' }, words.text('consent.agree'));
  const decline = make('button', 'decline', { type: 'button' }, words.text('consent.decline'));
  const box = make(
    'section', 'over consent', { 'aria-labelledby': 'over-title' },
    make('h3', '', { id: 'over-title', tabindex: '-1' }, words.text('consent.title')),
    make('p', '', {}, agent.consent || words.text('consent')),
    agree, decline,
  );
  addStyles(panel.element);
  const agreed = await over(panel, box, (settle) => {
    agree.onclick = () => settle(true);
    decline.onclick = () => settle(false);
  });
  if (!agreed) throw hungUp();
  remember(agent);
}
