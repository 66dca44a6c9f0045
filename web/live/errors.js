/** What can go wrong in a conversation, in a form that a page can act on and a person can read. */

/**
 * @typedef {object} LiveErrorDetails
 * @property {boolean} [retryable] whether the same thing may work when tried again
 * @property {number} [status] of the token service's answer
 * @property {number} [retryAfter] seconds that the token service asks to wait
 * @property {{code: number, reason: string}} [close] what the Live API closed the socket with
 * @property {unknown} [cause]
 */

/** `message` is a sentence for the person who talks; `code` is stable, for the page. */
export class LiveError extends Error {
  /**
   * @param {string} code kebab-case
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

/** @returns {LiveError} for whoever waits for something that a hang-up has overtaken */
export function hungUp() {
  return new LiveError('hung-up', 'The conversation was ended before it began.', { retryable: true });
}

/** @returns {LiveError} for a device that has just lost its network */
export function offline() {
  const sentence = 'There is no network at the moment. Check your connection and start again.';
  return new LiveError('connection-lost', sentence, { retryable: true });
}

/** @param {unknown} cause @returns {LiveError} for a file of ours that did not come */
function incomplete(cause) {
  const sentence = 'A part of this page could not be loaded. Check your network and try again.';
  return new LiveError('page-incomplete', sentence, { retryable: true, cause });
}

/**
 * For what is loaded when it is wanted.
 * @template Module
 * @param {Promise<Module>} loading
 * @throws {LiveError} `page-incomplete`
 */
export function loaded(loading) {
  return loading.catch((cause) => {
    throw incomplete(cause);
  });
}

/**
 * @param {import('./media-errors.js').Device} device that cannot be had
 * @param {unknown} cause
 * @returns {Promise<LiveError>}
 */
export async function whyNot(device, cause) {
  return (await loaded(import('./media-errors.js'))).mediaError(device, cause);
}

/** @param {unknown} cause @returns {LiveError} the same, or what it means that something unforeseen was thrown */
export function asLiveError(cause) {
  if (cause instanceof LiveError) return cause;
  const sentence = 'The conversation failed because of a fault in this page. Please reload it and try again.';
  return new LiveError('page-fault', sentence, { cause });
}
