import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainClose } from '../../../../web/live/connection/recovery.js';

for (const code of [1000, 1005]) {
  test(`${code} is a normal end`, () => assert.equal(explainClose(code, '', 'live'), null));
}

/** @typedef {import('../../../../web/live/connection/connection.js').Phase} Phase */

/** The same in every phase. @type {[number, string, string, boolean][]} */
const closes = [
  [1006, '', 'connection-lost', true],
  [1007, 'User location is not supported for the API use.', 'location-unsupported', false],
  [1011, 'Token has been used too many times', 'token-ended', true],
  [1011, 'auth token has expired', 'token-ended', true],
  [1011, 'Token has expired', 'token-ended', true],
  [1011, "Token's new_session_expire_time has passed", 'token-ended', true],
  [1011, 'Token not found', 'token-ended', true],
  [1011, 'RESOURCE_EXHAUSTED', 'quota-exhausted', false],
  [1011, 'You exceeded your current quota', 'quota-exhausted', false],
  [1011, 'Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage', 'quota-exhausted', false],
  [1008, 'Your prepayment credits are depleted.', 'quota-exhausted', false],
  [1011, 'Your project has exceeded its monthly spending cap.', 'quota-exhausted', false],
  [1008, 'This API method requires billing to be enabled.', 'quota-exhausted', false],
  [1011, 'Deadline expired before operation could complete.', 'connection-ended', true],
  [1001, '', 'service-failed', true],
  [1002, '', 'service-failed', true],
  [4000, 'anything new', 'service-failed', true],
];

/** @type {Phase[]} */
const PHASES = ['setup', 'resume', 'live', 'leaving'];

/** What depends on the phase. @type {[Phase[], number, string, string, boolean][]} */
const byPhase = [
  [['setup', 'resume'], 1007, 'Request contains an invalid argument.', 'setup-refused', false],
  [['setup'], 1007, "Invalid JSON payload received. Unknown name \"x\" at 'setup': Cannot find field.", 'setup-refused', false],
  [['setup'], 1007, 'token-based requests cannot use project-scoped features such as tuned models', 'setup-refused', false],
  [['setup'], 1007, 'API key not valid. Please pass a valid API key.', 'setup-refused', false],
  [['live', 'leaving'], 1007, 'Precondition check failed.', 'message-refused', true],
  [['live'], 1007, "Invalid value at 'tool_response.function_responses[0].response'", 'message-refused', true],
  [['setup'], 1008, "Method doesn't allow unregistered callers", 'setup-refused', false],
  [['setup', 'resume'], 1008, 'models/x is not found for API version v1beta', 'setup-refused', false],
  [['resume'], 1008, 'Invalid session resumption handle', 'context-lost', true],
  [['resume', 'live'], 1008, 'BidiGenerateContent session not found', 'context-lost', true],
  [['resume'], 1008, 'BidiGenerateContent session expired', 'context-lost', true],
  [['live'], 1008, 'Requested entity was not found.', 'conversation-refused', true],
  [['live'], 1008, 'The operation was aborted.', 'conversation-refused', true],
  [['live'], 1008, 'Operation is not implemented, or supported, or enabled.', 'conversation-refused', true],
  [['leaving'], 1008, 'Connection aborted because the client failed to close the connection after', 'connection-ended', true],
  [['leaving'], 1008, 'The operation was aborted.', 'connection-ended', true],
  [['resume'], 1011, 'Internal error encountered.', 'resume-refused', true],
  [['resume'], 1011, 'Session is still open on another connection', 'resume-refused', true],
  [['setup', 'live', 'leaving'], 1011, 'Internal error encountered.', 'service-failed', true],
  [['setup', 'live'], 1011, 'The service is currently unavailable.', 'service-failed', true],
  [['setup', 'live'], 1011, 'generic::unavailable: OVERLOADED_TOO_MANY_RETRIES_PER_REQUEST', 'service-failed', true],
];
const all = [
  ...closes.map(([code, reason, as, retryable]) => ({ phases: PHASES, code, reason, as, retryable })),
  ...byPhase.map(([phases, code, reason, as, retryable]) => ({ phases, code, reason, as, retryable })),
];

for (const { phases, code, reason, as, retryable } of all) {
  test(`${code} ${reason || '(no reason)'} in ${phases.join(', ')} is ${as}`, () => {
    for (const phase of phases) {
      const error = explainClose(code, reason, phase);
      assert.equal(error?.code, as);
      assert.equal(error.retryable, retryable);
      assert.deepEqual(error.close, { code, reason });
      assert.match(error.message, /^[A-Z].*\.$/, 'a sentence');
      assert.ok(!reason || !error.message.includes(reason), "Google's words are for the developer");
    }
  });
}
