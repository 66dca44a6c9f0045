import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleTimer } from '../../../web/live/idle-timer.js';
import { TestClock } from '../test-clock.js';

function watched() {
  const clock = new TestClock();
  const ending = new AbortController();
  const page = { busy: false, expiries: 0 };
  const timer = new IdleTimer(60_000, { busy: () => page.busy, expired: () => (page.expiries += 1) }, ending.signal, clock);
  return { clock, ending, page, timer };
}

test('it expires once, at the limit', () => {
  const { clock, page } = watched();
  clock.pass(59_999);
  assert.equal(page.expiries, 0);
  clock.pass(1);
  assert.equal(page.expiries, 1);
  clock.pass(600_000);
  assert.equal(page.expiries, 1);
});

test('every utterance resets it', () => {
  const { clock, page, timer } = watched();
  for (let minute = 0; minute < 10; minute += 1) {
    clock.pass(50_000);
    timer.reset();
  }
  assert.equal(page.expiries, 0);
  clock.pass(60_000);
  assert.equal(page.expiries, 1);
});

test('it does not expire while something is in progress', () => {
  const { clock, page } = watched();
  page.busy = true;
  clock.pass(600_000);
  page.busy = false;
  assert.equal(page.expiries, 0);
  clock.pass(60_000);
  assert.equal(page.expiries, 1);
});

test('the end of the conversation cancels it', () => {
  const { clock, ending, page } = watched();
  ending.abort();
  assert.equal(clock.waiting, 0);
  clock.pass(600_000);
  assert.equal(page.expiries, 0);
});

test('it never runs for a conversation that is over', () => {
  const clock = new TestClock();
  new IdleTimer(60_000, { busy: () => false, expired: assert.fail }, AbortSignal.abort(), clock);
  assert.equal(clock.waiting, 0);
});
