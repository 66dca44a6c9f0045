import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainClose } from '../../../../web/live/connection/close-codes.js';

for (const code of [1000, 1005]) {
  test(`${code} is a normal end`, () => assert.equal(explainClose(code, ''), null));
}

/** @type {[number, string, string, boolean][]} */
const closes = [
  [1006, '', 'connection-lost', true],
  [1007, 'User location is not supported for the API use.', 'location-unsupported', false],
  [1007, 'Request contains an invalid argument.', 'setup-refused', false],
  [1007, "Invalid JSON payload received. Unknown name \"x\" at 'setup': Cannot find field.", 'setup-refused', false],
  [1007, 'token-based requests cannot use project-scoped features such as tuned models', 'setup-refused', false],
  [1007, 'API key not valid. Please pass a valid API key.', 'setup-refused', false],
  [1008, "Method doesn't allow unregistered callers", 'setup-refused', false],
  [1008, 'Invalid session resumption handle', 'context-lost', true],
  [1008, 'Requested entity was not found.', 'conversation-refused', true],
  [1008, 'The operation was aborted.', 'conversation-refused', true],
  [1008, 'BidiGenerateContent session not found', 'context-lost', true],
  [1008, 'BidiGenerateContent session expired', 'context-lost', true],
  [1008, 'models/x is not found for API version v1beta', 'setup-refused', false],
  [1008, 'Operation is not implemented, or supported, or enabled.', 'conversation-refused', true],
  [1011, 'Token has been used too many times', 'token-ended', true],
  [1011, 'auth token has expired', 'token-ended', true],
  [1011, 'Token has expired', 'token-ended', true],
  [1011, "Token's new_session_expire_time has passed", 'token-ended', true],
  [1011, 'Token not found', 'token-ended', true],
  [1011, 'RESOURCE_EXHAUSTED', 'quota-exhausted', false],
  [1011, 'You exceeded your current quota', 'quota-exhausted', false],
  [1011, 'Deadline expired before operation could complete.', 'connection-ended', true],
  [1011, 'Internal error encountered.', 'service-failed', true],
  [1011, 'The service is currently unavailable.', 'service-failed', true],
  [1011, 'Session is still open on another connection', 'service-failed', true],
  [1011, 'generic::unavailable: OVERLOADED_TOO_MANY_RETRIES_PER_REQUEST', 'service-failed', true],
  [1001, '', 'service-failed', true],
  [1002, '', 'service-failed', true],
  [4000, 'anything new', 'service-failed', true],
];

for (const [code, reason, as, retryable] of closes) {
  test(`${code} ${reason || '(no reason)'} is ${as}`, () => {
    const error = explainClose(code, reason);
    assert.equal(error?.code, as);
    assert.equal(error.retryable, retryable);
    assert.deepEqual(error.close, { code, reason });
    assert.match(error.message, /^[A-Z].*\.$/, 'a sentence');
    assert.ok(!reason || !error.message.includes(reason), "Google's words are for the developer");
  });
}
