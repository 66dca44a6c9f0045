import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainClose } from '../../../../web/live/connection/recovery.js';
import { LiveError } from '../../../../web/live/errors.js';
import { outOfReach, worthRetrying } from '../../../../web/live/connection/reconnecting.js';
import { Retries } from '../../../../web/live/connection/recovery.js';
import { problem } from '../../../../web/live/connection/token-source.js';

/**
 * @param {number} code
 * @param {string} reason
 * @param {import('../../../../web/live/connection/connection.js').Phase} phase
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

const refusal = closed(1011, 'Internal error encountered.', 'resume');
/** Refuses to resume. @param {Retries} retries */
const refuse = (retries) => retries.blame(refusal, { way: 'resumed', lasted: 0 });

test('a refused resume is tried again after a second, and once more at once; then a fresh session begins at once', () => {
  for (const [random, waits] of /** @type {[number, number[]][]} */ ([[0, [1000, 250, 0]], [1, [1250, 312.5, 0]]])) {
    const retries = new Retries(() => random);
    retries.next(dropped, true);
    const told = Array.from({ length: 3 }, () => {
      const drops = refuse(retries);
      return [drops, retries.next(refusal, drops === null)];
    });
    assert.deepEqual(told, [[null, waits[0]], [null, waits[1]], ['handle', waits[2]]]);
  }
});

test('a renewal that comes too soon is tried again after a second', () => {
  const retries = new Retries(() => 0);
  refuse(retries);
  assert.equal(retries.next(refusal, true), 1000);
});

for (const lasted of [280_000, 7000]) {
  test(`connections that last ${lasted / 1000} s and are each refused once keep their handle`, () => {
    const retries = new Retries(() => 0);
    for (let renewal = 0; renewal < 20; renewal += 1) {
      retries.lived(lasted);
      assert.equal(refuse(retries), null);
      assert.equal(retries.next(refusal, true), 1000);
    }
  });
}

test('ten stable seconds reset the backoff', () => {
  const retries = new Retries(() => 0.5);
  retries.next(dropped, true);
  retries.blame(closed(1006), { way: 'resumed', lasted: 9999 });
  assert.equal(retries.next(dropped, true), 500);
  retries.blame(closed(1006), { way: 'resumed', lasted: 10_000 });
  assert.equal(retries.next(dropped, true), 0);
});

test('connections that work for a while are retried forever, at long intervals', () => {
  const retries = new Retries(() => 0.5);
  const waits = Array.from({ length: 20 }, () => {
    retries.blame(closed(1006), { way: 'resumed', lasted: 5000 });
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
  const death = { way: /** @type {const} */ ('resumed'), lasted: 2000 };
  const error = closed(1011, 'Internal error encountered.');
  assert.deepEqual([retries.blame(error, death), retries.blame(error, death)], [null, 'handle']);
  assert.equal(retries.blame(error, death), null, 'the next one starts with a clean slate');
});

test('a resume that hangs until the time limit counts as two refusals', () => {
  const overdue = new LiveError('setup-overdue', 'No.', { retryable: true });
  const hang = (/** @type {Retries} */ retries) => retries.blame(overdue, { way: 'resumed', lasted: 0 });
  const twice = new Retries();
  assert.deepEqual([hang(twice), hang(twice)], [null, 'handle']);
  const once = new Retries();
  assert.deepEqual([refuse(once), hang(once)], [null, 'handle']);
  assert.equal(new Retries().blame(overdue, { way: 'fresh', lasted: 0 }), null);
});

test('a rebuilt session that fails early is rebuilt once more, and then begins with nothing', () => {
  const retries = new Retries();
  const death = { way: /** @type {const} */ ('rebuilt'), lasted: 300 };
  const error = closed(1011, 'Internal error encountered.');
  assert.deepEqual([retries.blame(error, death), retries.blame(error, death)], ['handle', 'context']);
  assert.equal(new Retries().blame(error, { way: 'rebuilt', lasted: 60_000 }), null, 'it has a handle of its own');
});

test('a rebuilt session that refuses what it is told begins with nothing', () => {
  const error = closed(1007, 'Request contains an invalid argument.');
  assert.equal(new Retries().blame(error, { way: 'rebuilt', lasted: 100 }), 'context');
});

test('an unknown handle is dropped immediately', () => {
  const death = { way: /** @type {const} */ ('resumed'), lasted: 0 };
  assert.equal(new Retries().blame(closed(1008, 'BidiGenerateContent session not found'), death), 'handle');
});

test('a setup that worked without the handle is retried without it; one that never worked is not', () => {
  const error = closed(1007, 'Request contains an invalid argument.', 'resume');
  assert.equal(new Retries().blame(error, { way: 'resumed', lasted: 0 }), 'handle');
  assert.equal(new Retries().blame(error, { way: 'resumed', lasted: 60_000 }), null);
  assert.equal(new Retries().blame(error, { way: 'fresh', lasted: 0 }), null);
});

test('a refused message is resumed with the handle once, until a connection is stable', () => {
  const retries = new Retries();
  const refused = (/** @type {number} */ lasted) => retries.blame(closed(1007, 'Precondition check failed.'), { way: 'resumed', lasted });
  assert.deepEqual([refused(60_000), refused(300), refused(300)], [null, 'context', null], 'the next session gets its own chance');
  assert.deepEqual([refused(10_000), refused(10_000)], [null, null]);
});

test('a network failure or an expired token does not count against the handle', () => {
  const retries = new Retries();
  for (const error of [closed(1006), unreachable, closed(1011, 'Token has expired')]) {
    for (let i = 0; i < 6; i += 1) assert.equal(retries.blame(error, { way: 'resumed', lasted: 100 }), null);
  }
});
