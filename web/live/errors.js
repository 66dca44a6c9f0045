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

/*
 * What happened and, after the bar, how to fix it. tools/reference.py makes docs/reference/errors.md of this and of the
 * service's own codes.
 * - `insecure-page`: the page is neither https nor localhost | serve it over https
 * - `*-refused`: the person denied access | the person allows it in the browser's settings for the site
 * - `*-forbidden`: a policy of the page or its frame denies access (only Chromium tells; in other browsers it is
 *   `*-refused`) | allow it in `Permissions-Policy`, and in `allow` of the frame
 * - `*-missing`: there is no such device, or the chosen one is gone | plug one in, or choose another
 * - `*-busy`: it exists but cannot be used | close the program that uses it, and try again
 * - `*-unsupported`: the browser does not support it | use a current browser (docs/client.md)
 * - `microphone-lost`: it was unplugged, and there is no other | plug one in and start again
 * - `sound-blocked`: `start` was not called in a user gesture | call it in the handler of a click or key
 * - `sound-off`: the conversation was started with neither microphone nor loudspeaker | start it again with sound
 * - `not-live`: there is no conversation at the moment | start one first
 * - `hung-up`: `close()` was called before the start had finished, or something else was shown, or nothing, before the
 *   camera or screen was open | nothing: show no error for it
 * - `idle`: neither side said anything for the time in the profile's `idle_stop` | start again, or raise `idle_stop`
 * - `image-unreadable`: `sendImage` was given something that the browser cannot show | send a JPEG, PNG or WebP
 * - `page-incomplete`: a file of the client could not be loaded | try again; check that the Content Security Policy
 *   allows the service
 * - `page-fault`: something unexpected was thrown | reload the page; the error is in `cause`
 * - `service-unknown`: a tool of the server was called, and a function of the page gets the tokens, so that the
 *   service's address is not known; only the model is told | give `LiveSession` the address of `POST /token`
 * - `token-service-unreachable`: `POST /token` gave no answer | try again; check the network, `http.origins` and the
 *   Content Security Policy (the doctor on `/embed` does)
 * - `token-answer-invalid`: what answered `POST /token` is not this service | check the address; `retryable` if the
 *   answer was cut off
 * - `request-refused`: the service refused with no code of ours | look at `status`: a proxy probably answered
 * - `credential-unavailable`: `getCredential` rejected, or gave nothing within 30 s | look at your site's own endpoint
 * - `setup-overdue`: the Live API did not answer the setup in time | start again
 * - `setup-unanswered`: the Live API closed the connection before the conversation began | start again
 * - `setup-refused`: the Live API refused the setup | `tokensvc probe` tries each profile and shows Google's reason
 * - `connection-lost`: the network was lost for too long | check it and start again
 * - `connection-ended`: the Live API closed the connection, and it could not be continued | start again
 * - `token-ended`: the token expired, and was not renewed in time | start again
 * - `service-failed`: the Live API failed | start again in a moment
 * - `conversation-refused`: the Live API ended the conversation by a policy of its own | start again and rephrase
 * - `message-refused`: the Live API could not read what was sent | start again and send something else
 * - `resume-refused`: the Live API does not continue the conversation at the moment | start again
 * - `context-lost`: the Live API has lost what was said | start again; `rebuild` in the profile avoids most of these
 * - `location-unsupported`: Google does not offer the Live API in the person's country | nothing: use another way there
 * - `quota-exhausted`: the Live API says that the site's quota is used up | add funds or raise the
 *   cap in Google AI Studio
 * - `protocol-violated`: the Live API sent something that cannot be read | start again; report it if it recurs
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
