import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainClose } from '../../web/live/close-codes.js';

for (const code of [1000, 1005]) {
  test(`${code} is an end like any other`, () => assert.equal(explainClose(code, ''), null));
}

/** @type {[number, string, string, boolean][]} */
const closes = [
  [1006, '', 'connection-lost', true],
  [1007, 'User location is not supported for the API use.', 'location-unsupported', false],
  [1007, 'Request contains an invalid argument.', 'setup-refused', false],
  [1008, 'BidiGenerateContent session not found', 'context-lost', true],
  [1008, 'BidiGenerateContent session expired', 'context-lost', true],
  [1008, 'models/x is not found for API version v1beta', 'setup-refused', false],
  [1008, 'Operation is not implemented, or supported, or enabled.', 'conversation-refused', true],
  [1011, 'Token has been used too many times', 'token-ended', true],
  [1011, 'auth token has expired', 'token-ended', true],
  [1011, 'Token has expired', 'token-ended', true],
  [1011, 'You exceeded your current quota', 'quota-exhausted', false],
  [1011, 'Deadline expired before operation could complete.', 'connection-ended', true],
  [1011, 'Internal error encountered.', 'service-failed', true],
  [1001, '', 'service-failed', true],
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
