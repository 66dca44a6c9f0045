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
    sentence: 'This assistant is not set up correctly. Please contact the site owner.',
  },
  {
    code: 1008,
    words: /session (not found|expired)|resumption handle/i,
    as: 'context-lost',
    retryable: true,
    sentence: 'This conversation can no longer be continued. Please start a new one.',
  },
  {
    code: 1008,
    words: /is not found|unregistered callers|api key/i,
    as: 'setup-refused',
    retryable: false,
    sentence: 'This assistant is not set up correctly. Please contact the site owner.',
  },
  {
    code: 1008,
    as: 'conversation-refused',
    retryable: true,
    sentence: 'The voice service ended the conversation. Please start again and try rephrasing.',
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
    sentence: 'This site has reached its limit for the voice service. Please try again later.',
  },
  {
    code: 1011,
    words: /deadline expired/i,
    as: 'connection-ended',
    retryable: true,
    sentence: 'The voice service closed the connection. Start again to continue.',
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
  const sentence = 'The voice service stopped unexpectedly. Please start again in a moment.';
  return new LiveError('service-failed', sentence, { retryable: true, close });
}
