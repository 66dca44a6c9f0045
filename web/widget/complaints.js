/** What a person is told of an error, and the one thing that they can do about it. */

/** @typedef {import('../live/errors.js').LiveError} LiveError */
/** @typedef {import('./words.js').Words} Words */

/**
 * Codes that mean to a person what another one means.
 * @type {Record<string, string>}
 */
const ALIKE = {
  'token-service-unreachable': 'connection-lost',
  'token-answer-invalid': 'setup-refused',
  'token-ended': 'lease-over',
  'lease-refused': 'lease-over',
  'page-incomplete': 'page-fault',
  'screen-missing': 'screen-busy',
  'camera-unsupported': 'video-unsupported',
  'screen-unsupported': 'video-unsupported',
};

/**
 * @param {LiveError} error
 * @param {Words} words
 * @returns {string} the sentence for its code, or for what it comes to; a host may have one of its own for each code
 */
export function sentence(error, words) {
  const { code, retryAfter } = error;
  const key = [code, ALIKE[code], kind(error)].map((name) => `error.${name}`).find((name) => words.has(name)) ?? 'error';
  const said = words.say(key);
  return retryAfter ? `${said} ${words.say('wait', { time: words.until(retryAfter) })}` : said;
}

/** @param {LiveError} error @returns {string | undefined} a code that says as much as can be known of any other */
function kind({ retryable, status }) {
  if (status === 401) return 'authentication-required';
  // What will not get better is the site's to mend; the service refuses nothing else for good.
  if (retryable) return 'service-failed';
  return status === undefined ? undefined : 'setup-refused';
}

/**
 * @param {LiveError} error
 * @returns {'retry' | 'write' | 'dismiss'} by its key among the words
 */
export function remedy({ code, retryable, status }) {
  if (/^microphone-(?!lost)/.test(code)) return 'write';
  // The site may have signed the person in meanwhile; its credential is asked for anew.
  return retryable || status === 401 ? 'retry' : 'dismiss';
}
