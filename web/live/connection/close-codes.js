/** Maps the Live API's close codes, as measured, to errors. The reason tells more than the code. */

import { LiveError } from '../errors.js';

/**
 * What a connection was doing when it was closed: `setup` and `resume` are before `setupComplete`, without and with a
 * handle; `leaving` is after `goAway`.
 * @typedef {'setup' | 'resume' | 'live' | 'leaving'} Phase
 */

const LOST = 'The connection to the voice service was lost. Check your network and start again.';
const CLOSED = 'The voice service closed the connection. Start again to continue.';
const MISCONFIGURED = 'This assistant is not set up correctly. Please contact the site owner.';

/**
 * The first row whose code, words and phase all match applies. Each names a public source.
 * @type {{code: number, words?: RegExp, phases?: Phase[], as: string, retryable: boolean, sentence: string}[]}
 */
const MEANINGS = [
  // RFC 6455, section 7.4.1: there was no close frame.
  { code: 1006, as: 'connection-lost', retryable: true, sentence: LOST },
  // https://github.com/google-gemini/cookbook/issues/781
  {
    code: 1007,
    words: /location is not supported/i,
    as: 'location-unsupported',
    retryable: false,
    sentence: 'The voice service is not available in your country.',
  },
  // https://discuss.ai.google.dev/t/178035: one message, or one question, is refused; the session is still there.
  {
    code: 1007,
    phases: ['live', 'leaving'],
    as: 'message-refused',
    retryable: true,
    sentence: 'The voice service could not process that. Please start again and try something else.',
  },
  // frontier-on-cloud/gemini-live-resume-test, FINDINGS.md, probe P1: refused 44 ms after a setup with an unknown field.
  { code: 1007, as: 'setup-refused', retryable: false, sentence: MISCONFIGURED },
  // kazunori279/interpretab, README.md, "Session expiry": closed 50.4 s after a `goAway` of 50 s.
  { code: 1008, phases: ['leaving'], as: 'connection-ended', retryable: true, sentence: CLOSED },
  // https://ai.google.dev/gemini-api/docs/live-api/session-management: a handle is valid for two hours.
  {
    code: 1008,
    words: /session (not found|expired)|resumption handle/i,
    as: 'context-lost',
    retryable: true,
    sentence: 'This conversation can no longer be continued. Please start a new one.',
  },
  // https://github.com/google-gemini/cookbook/issues/821, https://github.com/googleapis/js-genai/issues/600
  {
    code: 1008,
    words: /is not found|unregistered callers|api key/i,
    as: 'setup-refused',
    retryable: false,
    sentence: MISCONFIGURED,
  },
  // https://github.com/googleapis/js-genai/issues/1236: in the middle of a conversation, often around tool calls.
  {
    code: 1008,
    as: 'conversation-refused',
    retryable: true,
    sentence: 'The voice service ended the conversation. Please start again and try rephrasing.',
  },
  // https://ai.google.dev/gemini-api/docs/live-api/ephemeral-tokens: `uses` and `expireTime`.
  {
    code: 1011,
    words: /token.*(used|expire|not found)|expired.*token/i,
    as: 'token-ended',
    retryable: true,
    sentence: 'The time for this conversation is up. Start again to continue.',
  },
  // https://github.com/sohzm/cheating-daddy/pull/455
  {
    code: 1011,
    words: /quota|RESOURCE_EXHAUSTED/i,
    as: 'quota-exhausted',
    retryable: false,
    sentence: 'This site has reached its limit for the voice service. Please try again later.',
  },
  // https://github.com/kizuna-ai-lab/sokuji/issues/179
  { code: 1011, words: /deadline expired/i, as: 'connection-ended', retryable: true, sentence: CLOSED },
  // frontier-on-cloud/gemini-live-resume-test, FINDINGS.md: "Internal error encountered." where a resume comes too soon
  // after the end of the last connection, or while the server still holds that one.
  {
    code: 1011,
    phases: ['resume'],
    as: 'resume-refused',
    retryable: true,
    sentence: 'This conversation cannot be continued at the moment. Please start again.',
  },
];

/**
 * @param {number} code of the close frame (RFC 6455, section 7.4); 1006 where there was none
 * @param {string} reason
 * @param {Phase} phase
 * @returns {LiveError | null} null for a normal end
 */
export function explainClose(code, reason, phase) {
  if (code === 1000 || code === 1005) return null;
  const close = { code, reason };
  const meaning = MEANINGS.find(
    (row) => row.code === code && (row.words?.test(reason) ?? true) && (row.phases?.includes(phase) ?? true),
  );
  if (meaning) return new LiveError(meaning.as, meaning.sentence, { retryable: meaning.retryable, close });
  const sentence = 'The voice service stopped unexpectedly. Please start again in a moment.';
  return new LiveError('service-failed', sentence, { retryable: true, close });
}
