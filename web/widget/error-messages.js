/** The message for an error, and the one thing that a person can do about it. */

/** @typedef {import('../live/errors.js').LiveError} LiveError */
/** @typedef {import('./words.js').Words} Words */

/**
 * Codes that mean the same to a person as another one.
 * @type {Record<string, string>}
 */
const ALIKE = {
  'token-service-unreachable': 'connection-lost',
  'token-answer-invalid': 'setup-refused',
  'token-ended': 'lease-over',
  'lease-refused': 'lease-over',
  'message-refused': 'conversation-refused',
  'resume-refused': 'context-lost',
  'page-incomplete': 'page-fault',
  'screen-missing': 'screen-busy',
  'camera-unsupported': 'video-unsupported',
  'screen-unsupported': 'video-unsupported',
};

/**
 * @param {LiveError} error
 * @param {Words} words
 * @returns {string} the sentence for its code, or for its kind; a host may set its own for each code
 */
export function messageFor(error, words) {
  const { code, retryAfter } = error;
  const key = [code, ALIKE[code], kind(error)].map((name) => `error.${name}`).find((name) => words.has(name)) ?? 'error';
  const message = words.text(key);
  return retryAfter ? `${message} ${words.text('wait', { time: words.until(retryAfter) })}` : message;
}

/** @param {LiveError} error @returns {string | undefined} the code that comes closest, for a code without a sentence */
function kind({ retryable, status }) {
  if (status === 401) return 'authentication-required';
  // A final refusal by the service is the site's to fix.
  if (retryable) return 'service-failed';
  return status === undefined ? undefined : 'setup-refused';
}

/**
 * @param {LiveError} error
 * @returns {'retry' | 'write' | 'dismiss'} the key of its label
 */
export function remedy({ code, retryable, status }) {
  if (/^microphone-(?!lost)/.test(code)) return 'write';
  // The site may have signed the person in meanwhile: its credential is requested again.
  return retryable || status === 401 ? 'retry' : 'dismiss';
}
