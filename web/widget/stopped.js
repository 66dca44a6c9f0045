/** Says in words why the Live API stopped an answer; loaded when it did. */

import { rareWords } from './rare-words.js';

/**
 * @param {string} reason a `TurnCompleteReason` (Live API reference, `BidiGenerateContentServerContent`)
 * @returns {'stopped.question' | 'stopped.answer' | 'stopped.failed'} the key of its sentence
 */
export function stopKey(reason) {
  if (/^(MALFORMED|MAX_REGENERATION)/.test(reason)) return 'stopped.failed';
  return /INPUT|PROMPT|^BLOCKLIST/.test(reason) ? 'stopped.question' : 'stopped.answer';
}

/**
 * @param {import('./panel.js').Log} log
 * @param {import('./words.js').Words} words
 * @param {{turn: number, reason: string}} stop
 * @throws {import('../live/errors.js').LiveError} `page-incomplete`
 */
export async function showStop(log, words, { turn, reason }) {
  const sentence = (await rareWords(words)).text(stopKey(reason));
  log.note(`stopped ${turn}`, 'stopped', sentence);
  log.announce(sentence);
}
