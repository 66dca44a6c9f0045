import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Silence } from '../../web/live/silence.js';
import { TestClock } from './test-clock.js';

function watched() {
  const clock = new TestClock();
  const ending = new AbortController();
  const page = { busy: false, overs: 0 };
  const silence = new Silence(60_000, { busy: () => page.busy, over: () => (page.overs += 1) }, ending.signal, clock);
  return { clock, ending, page, silence };
}

test('silence is over the limit once', () => {
  const { clock, page } = watched();
  clock.pass(59_999);
  assert.equal(page.overs, 0);
  clock.pass(1);
  assert.equal(page.overs, 1);
  clock.pass(600_000);
  assert.equal(page.overs, 1);
});

test('every word begins it anew', () => {
  const { clock, page, silence } = watched();
  for (let minute = 0; minute < 10; minute += 1) {
    clock.pass(50_000);
    silence.broken();
  }
  assert.equal(page.overs, 0);
  clock.pass(60_000);
  assert.equal(page.overs, 1);
});

test('while something goes on it does not count', () => {
  const { clock, page } = watched();
  page.busy = true;
  clock.pass(600_000);
  page.busy = false;
  assert.equal(page.overs, 0);
  clock.pass(60_000);
  assert.equal(page.overs, 1);
});

test('the end of the conversation ends it', () => {
  const { clock, ending, page } = watched();
  ending.abort();
  assert.equal(clock.waiting, 0);
  clock.pass(600_000);
  assert.equal(page.overs, 0);
});
