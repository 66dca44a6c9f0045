/** Errors of a conversation, in a form that a page can act on and a person can read. */

/** @typedef {'microphone' | 'camera' | 'screen' | 'speaker'} Device */

/**
 * Where a code comes from: a device, this page, the token service, the way to it, or the Live API.
 * @typedef {`${Device}-${'refused' | 'forbidden' | 'missing' | 'busy' | 'unsupported'}` | 'microphone-lost'
 *   | 'insecure-page' | 'sound-blocked' | 'sound-off'} DeviceCode
 * @typedef {'not-live' | 'hung-up' | 'idle' | 'image-unreadable' | 'page-incomplete' | 'page-fault'
 *   | 'service-unknown'} PageCode
 * @typedef {'invalid-request' | 'invalid-host' | 'authentication-required' | 'invalid-token' | 'wrong-password'
 *   | 'login-over' | 'profile-not-allowed' | 'blocked' | 'lease-refused' | 'lease-over' | 'origin-not-allowed'
 *   | 'not-found' | 'method-not-allowed' | 'too-large' | 'unsupported-media-type' | 'rate-limited' | 'too-many-at-once'
 *   | 'budget-spent' | 'internal-error' | 'profile-rejected' | 'upstream-unavailable' | 'upstream-bad-response'
 *   | 'issuer-misconfigured' | 'upstream-throttled' | 'upstream-busy' | 'temporarily-unavailable'
 *   | 'upstream-timeout' | 'request-timeout' | 'headers-too-large' | 'tool-not-allowed' | 'tool-arguments-refused'
 *   | 'tool-not-waiting' | 'tool-running' | 'tool-outcome-unknown' | 'tool-busy'} ServiceCode
 * @typedef {'token-service-unreachable' | 'token-answer-invalid' | 'request-refused'
 *   | 'credential-unavailable'} TokenCode
 * @typedef {'setup-overdue' | 'setup-unanswered' | 'setup-refused' | 'connection-lost' | 'connection-ended'
 *   | 'token-ended' | 'service-failed' | 'conversation-refused' | 'message-refused' | 'resume-refused' | 'context-lost'
 *   | 'location-unsupported' | 'quota-exhausted' | 'protocol-violated'} ConnectionCode
 * @typedef {DeviceCode | PageCode | ServiceCode | TokenCode | ConnectionCode} LiveErrorCode
 */

/**
 * @typedef {object} LiveErrorDetails
 * @property {boolean} [retryable] whether trying again may work
 * @property {number} [status] of the token service's answer
 * @property {number} [retryAfter] seconds to wait, where the token service says so
 * @property {{code: number, reason: string}} [close] what the Live API closed the socket with
 * @property {unknown} [cause]
 */

/** `message` is a sentence for the person; `code` is stable, for the page. */
export class LiveError extends Error {
  /**
   * @param {LiveErrorCode} code
   * @param {string} message
   * @param {LiveErrorDetails} [details]
   */
  constructor(code, message, { retryable = false, status, retryAfter, close, cause } = {}) {
    super(message, { cause });
    this.name = 'LiveError';
    this.code = code;
    this.retryable = retryable;
    this.status = status;
    this.retryAfter = retryAfter;
    this.close = close;
  }
}

/** @returns {LiveError} for callers whose wait was cut short, by a hang-up or because something else was shown */
export function hungUp() {
  return new LiveError('hung-up', 'This was cancelled before it began.', { retryable: true });
}

/** @returns {LiveError} for a path that seems dead */
export function pathLost(sentence = 'The connection to the voice service was lost. Check your network and start again.') {
  return new LiveError('connection-lost', sentence, { retryable: true });
}

/** @returns {LiveError} for a device that has lost its network */
export const offline = () => pathLost('There is no network at the moment. Check your connection and start again.');

/**
 * Waits for a file that is loaded on demand.
 * @template Module
 * @param {Promise<Module>} importing
 * @throws {LiveError} `page-incomplete`
 */
export function importOrFail(importing) {
  return importing.catch((cause) => {
    const sentence = 'Part of this page could not be loaded. Check your network and try again.';
    throw new LiveError('page-incomplete', sentence, { retryable: true, cause });
  });
}

/** @param {unknown} cause @returns {LiveError} the same error, or `page-fault` for anything else that was thrown */
export function asLiveError(cause) {
  if (cause instanceof LiveError) return cause;
  const sentence = 'Something went wrong on this page. Please reload it and try again.';
  return new LiveError('page-fault', sentence, { cause });
}
