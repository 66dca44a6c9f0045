/** Errors of a conversation, in a form that a page can act on and a person can read. */

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

/** @returns {LiveError} for callers whose wait was cut short by a hang-up */
export function hungUp() {
  return new LiveError('hung-up', 'The conversation was cancelled before it began.', { retryable: true });
}

/** @returns {LiveError} for a path that seems dead */
export function pathLost() {
  const sentence = 'The connection to the voice service was lost. Check your network and start again.';
  return new LiveError('connection-lost', sentence, { retryable: true });
}

/** @returns {LiveError} for a device that has lost its network */
export function offline() {
  const sentence = 'There is no network at the moment. Check your connection and start again.';
  return new LiveError('connection-lost', sentence, { retryable: true });
}

/** @param {unknown} cause @returns {LiveError} for a file of the client that could not be loaded */
function incomplete(cause) {
  const sentence = 'Part of this page could not be loaded. Check your network and try again.';
  return new LiveError('page-incomplete', sentence, { retryable: true, cause });
}

/**
 * Waits for a file that is loaded on demand.
 * @template Module
 * @param {Promise<Module>} importing
 * @throws {LiveError} `page-incomplete`
 */
export function importOrFail(importing) {
  return importing.catch((cause) => {
    throw incomplete(cause);
  });
}

/** @param {unknown} cause @returns {LiveError} the same error, or `page-fault` for anything else that was thrown */
export function asLiveError(cause) {
  if (cause instanceof LiveError) return cause;
  const sentence = 'Something went wrong on this page. Please reload it and try again.';
  return new LiveError('page-fault', sentence, { cause });
}
