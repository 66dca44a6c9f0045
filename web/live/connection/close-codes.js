/** Maps the Live API's close codes, as measured, to errors. The reason tells more than the code. */

import { LiveError } from '../errors.js';

/**
 * The first row whose code and words both match applies.
 * @type {{code: number, words?: RegExp, as: string, retryable: boolean, sentence: string}[]}
 */
const MEANINGS = [
  {
    code: 1006,
    as: 'connection-lost',
    retryable: true,
    sentence: 'The connection to the voice service was lost. Check your network and start again.',
  },
  {
    code: 1007,
    words: /location is not supported/i,
    as: 'location-unsupported',
    retryable: false,
    sentence: 'The voice service is not available in your country.',
  },
  {
    code: 1007,
    as: 'setup-refused',
    retryable: false,
    sentence: 'The voice service refuses how this conversation is set up. Please tell the owner of this site.',
  },
  {
    code: 1008,
    words: /session (not found|expired)|resumption handle/i,
    as: 'context-lost',
    retryable: true,
    sentence: 'The voice service no longer knows this conversation. Start a new one.',
  },
  {
    code: 1008,
    words: /is not found|unregistered callers|api key/i,
    as: 'setup-refused',
    retryable: false,
    sentence: 'The voice service refuses how this conversation is set up. Please tell the owner of this site.',
  },
  {
    code: 1008,
    as: 'conversation-refused',
    retryable: true,
    sentence: 'The voice service stopped the conversation. Start again, and try to say it differently.',
  },
  {
    code: 1011,
    words: /token.*(used|expire|not found)|expired.*token/i,
    as: 'token-ended',
    retryable: true,
    sentence: 'The time for this conversation is up. Start again to continue.',
  },
  {
    code: 1011,
    words: /quota|RESOURCE_EXHAUSTED/i,
    as: 'quota-exhausted',
    retryable: false,
    sentence: 'This site has used up its share of the voice service for now. Please try again later.',
  },
  {
    code: 1011,
    words: /deadline expired/i,
    as: 'connection-ended',
    retryable: true,
    sentence: 'The voice service ended a long connection. Start again to go on.',
  },
];

/**
 * @param {number} code of the close frame (RFC 6455, section 7.4); 1006 where there was none
 * @param {string} reason
 * @returns {LiveError | null} null for a normal end
 */
export function explainClose(code, reason) {
  if (code === 1000 || code === 1005) return null;
  const close = { code, reason };
  const meaning = MEANINGS.find((row) => row.code === code && (row.words?.test(reason) ?? true));
  if (meaning) return new LiveError(meaning.as, meaning.sentence, { retryable: meaning.retryable, close });
  const sentence = 'The voice service had to stop. Please start again in a moment.';
  return new LiveError('service-failed', sentence, { retryable: true, close });
}
