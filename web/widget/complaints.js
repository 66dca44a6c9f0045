/** What a person is told of an error, and the one thing that they can do about it. */

/** @typedef {import('../live/errors.js').LiveError} LiveError */
/** @typedef {import('./words.js').Words} Words */

/** Codes that mean the same to a person as the one in front. */
const ALIKE = {
  'connection-lost': 'token-service-unreachable',
  'service-failed':
    'connection-ended setup-overdue setup-unanswered protocol-violated request-refused internal-error ' +
    'upstream-unavailable upstream-bad-response upstream-throttled upstream-timeout temporarily-unavailable',
  'setup-refused':
    'token-answer-invalid invalid-request invalid-host profile-not-allowed origin-not-allowed not-found ' +
    'method-not-allowed too-large unsupported-media-type profile-rejected issuer-misconfigured',
  'authentication-required': 'invalid-token login-over wrong-password',
  'lease-over': 'lease-refused token-ended',
  'page-fault': 'page-incomplete',
  'screen-busy': 'screen-missing',
  'video-unsupported': 'camera-unsupported screen-unsupported',
};

/**
 * @param {LiveError} error
 * @param {Words} words
 * @returns {string} the sentence for its code, else for those of its kind, else one that is always true
 */
export function sentence({ code, retryAfter }, words) {
  const kind = Object.entries(ALIKE).find(([, codes]) => codes.split(' ').includes(code))?.[0];
  const key = [`error.${code}`, `error.${kind}`].find((candidate) => words.has(candidate)) ?? 'error';
  const said = words.say(key);
  return retryAfter ? `${said} ${words.say('wait', { time: words.until(retryAfter) })}` : said;
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
