import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainClose } from '../../../../web/live/connection/close-codes.js';
import { LiveError } from '../../../../web/live/errors.js';
import { Retries, outOfReach, worthRetrying } from '../../../../web/live/connection/retries.js';
import { problem } from '../../../../web/live/connection/token-source.js';

/**
 * @param {number} code
 * @param {string} reason
 * @param {import('../../../../web/live/connection/close-codes.js').Phase} phase
 */
const closed = (code, reason = '', phase = 'live') => /** @type {LiveError} */ (explainClose(code, reason, phase));
const dropped = closed(1006);
const unreachable = new LiveError('token-service-unreachable', 'No.', { retryable: true });

test('the first attempt is immediate, the others back off, and there is a last one', () => {
  const retries = new Retries(() => 0.5);
  const waits = Array.from({ length: 10 }, () => retries.next(dropped, true));
  assert.deepEqual(waits, [0, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, null]);
});

test('delays are random, so that clients do not retry in step', () => {
  for (const [random, wait] of [[0, 375], [1, 625]]) {
    const retries = new Retries(() => random);
    retries.next(dropped, true);
    assert.equal(retries.next(dropped, true), wait);
  }
});

test('a delay set by the server is respected', () => {
  const retries = new Retries(() => 0.5);
  const busy = problem(429, { code: 'rate-limited', retryable: true }, '3');
  assert.deepEqual([retries.next(busy, true), retries.next(busy, true)], [3000, 3000]);
});

test('a resume that comes too soon is tried again after a second, and then as after a drop', () => {
  const refused = closed(1011, 'Internal error encountered.', 'resume');
  const retries = new Retries(() => 0);
  retries.next(dropped, true);
  assert.deepEqual(Array.from({ length: 4 }, () => retries.next(refused, true)), [1000, 1000, 1500, 3000]);
  assert.equal(new Retries(() => 1).next(refused, true), 1250, 'also if the end was planned');
});

test('renewals that were each refused once are no attempts in vain', () => {
  const refused = closed(1011, 'Internal error encountered.', 'resume');
  const retries = new Retries(() => 0);
  for (let renewal = 0; renewal < 20; renewal += 1) {
    retries.lived(280_000);
    assert.equal(retries.blame(refused, { resumed: true, lasted: 0 }), false);
    assert.equal(retries.next(refused, true), 1000);
  }
});

test('ten stable seconds reset the backoff', () => {
  const retries = new Retries(() => 0.5);
  retries.next(dropped, true);
  retries.blame(closed(1006), { resumed: true, lasted: 9999 });
  assert.equal(retries.next(dropped, true), 500);
  retries.blame(closed(1006), { resumed: true, lasted: 10_000 });
  assert.equal(retries.next(dropped, true), 0);
});

test('connections that work for a while are retried forever, at long intervals', () => {
  const retries = new Retries(() => 0.5);
  const waits = Array.from({ length: 20 }, () => {
    retries.blame(closed(1006), { resumed: true, lasted: 5000 });
    return retries.next(dropped, true);
  });
  assert.deepEqual([waits[0], waits[19]], [0, 10_000]);
});

/** @type {[string, LiveError, boolean][]} */
const errors = [
  ['a lost connection', closed(1006), true],
  ['a server that goes away', closed(1001), true],
  ['an internal error', closed(1011, 'Internal error encountered.'), true],
  ['a token that has ended', closed(1011, 'auth token has expired'), true],
  ['a refused setup', closed(1007, 'Request contains an invalid argument.', 'setup'), false],
  ['a refused message', closed(1007, 'Request contains an invalid argument.'), true],
  ['a connection that was announced to end', closed(1008, 'Connection aborted', 'leaving'), true],
  ['the wrong country', closed(1007, 'User location is not supported for the API use.'), false],
  ['an exhausted quota', closed(1011, 'You exceeded your current quota'), false],
  ['a service out of reach', unreachable, true],
  ['a busy service', problem(503, { code: 'upstream-throttled', retryable: true }), true],
  ['a rate limit for a moment', problem(429, { code: 'rate-limited', retryable: true }, '7'), true],
  ['a rate limit for an hour', problem(429, { code: 'rate-limited', retryable: true }, '3600'), false],
  ['a block', problem(403, { code: 'blocked', retryable: false }), false],
  ['a lease that is over', problem(403, { code: 'lease-over', retryable: false }), false],
  ['a spent budget, which is retryable tomorrow', problem(429, { code: 'budget-spent', retryable: true }, '3600'), false],
  ['a fresh start a moment too soon', problem(429, { code: 'too-many-at-once', retryable: true }, '7'), true],
  ['a place that another conversation holds', problem(429, { code: 'too-many-at-once', retryable: true }, '240'), false],
];
for (const [what, error, worth] of errors) {
  test(`${what} is ${worth ? 'tried again' : 'the end'}`, () => assert.equal(worthRetrying(error), worth));
}

test('a refusal counts as an answer, a failure does not', () => {
  assert.deepEqual(
    [unreachable, problem(502, null), problem(429, null), problem(403, null), closed(1006)].map(outOfReach),
    [true, true, false, false, false],
  );
});

test('a handle whose sessions fail early twice is dropped', () => {
  const retries = new Retries();
  const death = { resumed: true, lasted: 2000 };
  const error = closed(1011, 'Internal error encountered.');
  assert.deepEqual([retries.blame(error, death), retries.blame(error, death)], [false, true]);
  assert.equal(retries.blame(error, death), false, 'the next one starts with a clean slate');
});

test('a handle is given more time if the service refuses to resume with it', () => {
  const retries = new Retries();
  const refused = () => retries.blame(closed(1011, 'Internal error encountered.', 'resume'), { resumed: true, lasted: 0 });
  assert.deepEqual([refused(), refused(), refused(), refused(), refused()], [false, false, false, false, true]);
});

test('a fresh session in place of a handle that was dropped is started at once', () => {
  const error = closed(1011, 'Internal error encountered.', 'resume');
  const retries = new Retries(() => 0.5);
  const waits = Array.from({ length: 5 }, () => {
    const drops = retries.blame(error, { resumed: true, lasted: 0 });
    return retries.next(error, !drops);
  });
  assert.deepEqual(waits, [1125, 1125, 1125, 2000, 0]);
});

test('an unknown handle is dropped immediately', () => {
  const death = { resumed: true, lasted: 0 };
  assert.equal(new Retries().blame(closed(1008, 'BidiGenerateContent session not found'), death), true);
});

test('a setup that worked without the handle is retried without it; one that never worked is not', () => {
  const error = closed(1007, 'Request contains an invalid argument.', 'resume');
  assert.equal(new Retries().blame(error, { resumed: true, lasted: 0 }), true);
  assert.equal(new Retries().blame(error, { resumed: true, lasted: 60_000 }), false);
  assert.equal(new Retries().blame(error, { resumed: false, lasted: 0 }), false);
});

test('a refused message is resumed with the handle once, until a connection is stable', () => {
  const retries = new Retries();
  const refused = (/** @type {number} */ lasted) => retries.blame(closed(1007, 'Precondition check failed.'), { resumed: true, lasted });
  assert.deepEqual([refused(60_000), refused(300), refused(300)], [false, true, false], 'the next session gets its own chance');
  assert.deepEqual([refused(10_000), refused(10_000)], [false, false]);
});

test('a network failure or an expired token does not count against the handle', () => {
  const retries = new Retries();
  for (const error of [closed(1006), unreachable, closed(1011, 'Token has expired')]) {
    for (let i = 0; i < 6; i += 1) assert.equal(retries.blame(error, { resumed: true, lasted: 100 }), false);
  }
});
