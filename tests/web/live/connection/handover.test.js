import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Handover, plan } from '../../../../web/live/connection/handover.js';
import { TestClock } from '../../test-clock.js';

/** @param {{handle?: string | null, many?: boolean, roundTrip?: number}} [options] */
function watch({ handle = null, many, roundTrip = 50 } = {}) {
  const clock = new TestClock();
  /** @type {string[]} */
  const acts = [];
  const note = (/** @type {string} */ act) => acts.push(`${act} at ${clock.now()}`);
  const handover = new Handover(clock, { handle, many }, () => roundTrip, {
    hold: () => note('hold'),
    release: () => note('release'),
    replace: (latest) => note(`replace by ${latest}`),
  });
  return { clock, handover, acts };
}

test('a token is used for two thirds of its life, an announced end is prepared for at once', () => {
  assert.deepEqual(plan(0, 300_000, 'token'), { at: 300_000, due: 280_000, must: 294_000 });
  assert.deepEqual(plan(0, 30_000, 'token'), { at: 30_000, due: 20_000, must: 24_000 });
  assert.deepEqual(plan(0, 50_000, 'announced'), { at: 50_000, due: 30_000, must: 44_000 });
  assert.deepEqual(plan(0, 2000, 'announced'), { at: 2000, due: 200, must: 800 });
});

test('where nobody says a word, the newest handle is good enough at once', () => {
  const { clock, handover, acts } = watch();
  handover.expect(300_000, 'token');
  handover.offer('h');
  clock.pass(279_999);
  assert.deepEqual(acts, []);
  clock.pass(1);
  assert.deepEqual(acts, ['hold at 280000', 'replace by h at 280000']);
});

test('where handles keep coming, the newest has to be younger than the last frame by a round trip', () => {
  const { clock, handover, acts } = watch({ roundTrip: 80 });
  handover.expect(300_000, 'token');
  handover.offer('first');
  clock.pass(1200);
  handover.offer('old');
  clock.pass(278_790);
  handover.sent();
  clock.pass(10);
  assert.deepEqual(acts, ['hold at 280000']);
  clock.pass(60);
  handover.offer('on its way when the frame was sent');
  clock.pass(1000);
  assert.deepEqual(acts, ['hold at 280000']);
  handover.offer('new');
  assert.deepEqual(acts.slice(1), ['replace by new at 281060']);
});

test('a handle that stays the only one stands for the session: nothing is held back for another', () => {
  const { clock, handover, acts } = watch();
  handover.expect(300_000, 'token');
  handover.offer('only');
  clock.pass(279_990);
  handover.sent();
  handover.received(false);
  clock.pass(10);
  assert.deepEqual(acts, ['hold at 280000', 'replace by only at 280000']);
});

test('a first handle is not taken for the only one before a second has had its time', () => {
  const { clock, handover, acts } = watch();
  handover.expect(300_000, 'token');
  clock.pass(279_000);
  handover.offer('first');
  clock.pass(990);
  handover.sent();
  clock.pass(310);
  assert.deepEqual(acts, ['hold at 280000']);
  handover.offer('second');
  assert.deepEqual(acts.slice(1), ['replace by second at 280300']);
});

test('a model that has sent many handles on one connection is known on the next', () => {
  const first = watch();
  first.handover.offer('a');
  assert.equal(first.handover.manyHandles, false);
  first.handover.offer(null);
  assert.equal(first.handover.manyHandles, true);
  const { clock, handover, acts } = watch({ handle: 'a', many: true });
  handover.expect(300_000, 'token');
  handover.offer('b');
  clock.pass(279_990);
  handover.sent();
  clock.pass(10);
  assert.deepEqual(acts, ['hold at 280000']);
  handover.offer('c');
  clock.pass(50);
  handover.offer('d');
  assert.deepEqual(acts.slice(1), ['replace by d at 280050']);
});

test('an answer may finish while there is time', () => {
  const { clock, handover, acts } = watch();
  handover.expect(300_000, 'token');
  clock.pass(279_000);
  handover.received(true);
  clock.pass(8000);
  assert.deepEqual(acts, []);
  handover.received(false);
  assert.deepEqual(acts, ['hold at 287000']);
  handover.offer('h');
  assert.deepEqual(acts.slice(1), ['replace by h at 287000']);
});

test('an answer that does not finish is cut, by the last handle there is', () => {
  const { clock, handover, acts } = watch();
  handover.offer('h');
  handover.expect(300_000, 'token');
  clock.pass(1);
  handover.received(true);
  handover.offer(null);
  clock.pass(299_999);
  assert.deepEqual(acts, ['hold at 294000', 'replace by h at 296500']);
});

test('a microphone is not held for long: without a handle it is given back, and tried again', () => {
  const { clock, handover, acts } = watch();
  handover.expect(300_000, 'token');
  clock.pass(285_000);
  assert.deepEqual(acts, ['hold at 280000', 'release at 282500', 'hold at 284500']);
  handover.offer('h');
  assert.deepEqual(acts.slice(3), ['replace by h at 285000']);
});

test('without any handle it is replaced without one, late', () => {
  const { clock, handover, acts } = watch();
  handover.expect(300_000, 'token');
  clock.pass(300_000);
  assert.equal(acts.at(-1), 'replace by null at 296000');
});

test('the nearer end counts', () => {
  const { clock, handover, acts } = watch({ handle: 'h' });
  handover.expect(300_000, 'token');
  clock.pass(100_000);
  handover.expect(150_000, 'announced');
  assert.equal(handover.endsAt, 150_000);
  handover.offer('g');
  clock.pass(30_000);
  assert.deepEqual(acts, ['hold at 130000', 'replace by g at 130000']);
});

test('a timer that a sleeping page was late for is made up for by the next frame', () => {
  const { clock, handover, acts } = watch();
  handover.expect(300_000, 'token');
  clock.oversleep(290_000);
  assert.deepEqual(acts, []);
  handover.sent();
  assert.deepEqual(acts, ['hold at 290000']);
});

test('what failed is tried again a little later, and what is closed stays quiet', () => {
  const { clock, handover, acts } = watch();
  handover.offer('h');
  handover.expect(300_000, 'token');
  clock.pass(280_000);
  handover.postpone();
  clock.pass(2000);
  assert.deepEqual(acts.slice(2), ['hold at 282000', 'replace by h at 282000']);
  handover.postpone();
  handover.close();
  clock.pass(20_000);
  assert.equal(acts.length, 4);
  assert.equal(clock.waiting, 0);
});

test('where no end is known there is no timer', () => {
  const { clock, handover, acts } = watch();
  handover.expect(Infinity, 'token');
  handover.sent();
  assert.equal(clock.waiting, 0);
  assert.deepEqual(acts, []);
});
