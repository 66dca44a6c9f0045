import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Page, call, pending } from './tools-page.js';

/** A page whose session is lost while or after its tool runs. */
class Losing extends Page {
  runs = 0;
  job = pending();

  constructor() {
    super();
    this.tools.handle('book', () => {
      this.runs += 1;
      return this.job.promise;
    });
    this.tools.expect([{ name: 'book', behavior: 'BLOCKING' }]);
  }

  /** @param {number} count */
  answered(count) {
    return this.until(({ answers }) => answers.length === count);
  }

  async finish() {
    this.job.finish('BK-1');
    await this.until(({ progress }) => progress.includes('1 answered'));
    await settled();
  }
}

const SLOT = { day: 'tomorrow', at: { hour: 3, half: 'pm' } };

const SAME_SLOT = { at: { half: 'pm', hour: 3 }, day: 'tomorrow' };

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a call that the rebuilt session issues again is answered with the result of the first, which runs once', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  await page.finish();
  assert.match(page.tools.rebuild(), /^book\(\{"day":"tomorrow".*\) was answered with "BK-1"\.$/);
  page.tools.call([call('2', 'book', SAME_SLOT)]);
  await page.answered(2);
  assert.deepEqual(page.answers[1], [{ id: '2', name: 'book', response: { output: 'BK-1' } }]);
  assert.equal(page.runs, 1);
});

test('a call that is issued again while the first is running waits for its result, and is answered only by its own id', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  assert.match(page.tools.rebuild(), /is still running; its result will follow\.$/);
  page.tools.call([call('2', 'book', SLOT)]);
  await page.finish();
  assert.deepEqual(page.answers, [[{ id: '2', name: 'book', response: { output: 'BK-1' } }]]);
  assert.deepEqual([page.runs, page.informed], [1, []]);
});

test('a call that finishes after the rebuild is told, because its id is not known there', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  page.tools.rebuild();
  await page.finish();
  assert.deepEqual(page.answers, []);
  assert.equal(page.informed.length, 1);
  assert.match(page.informed[0], /was answered with "BK-1"\.$/);
});

test('a call that runs over two losses is told once', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  page.tools.rebuild();
  page.tools.call([call('2', 'book', SLOT)]);
  page.tools.rebuild();
  await page.finish();
  assert.deepEqual([page.answers.length, page.informed.length, page.runs], [0, 1, 1]);
});

test('a call with other arguments runs', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  await page.finish();
  page.tools.rebuild();
  page.tools.call([call('2', 'book', { ...SLOT, day: 'today' })]);
  await page.answered(2);
  assert.equal(page.runs, 2);
});

test('a call that no turn had followed is known for two minutes, whatever the person says', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  await page.finish();
  page.tools.rebuild();
  page.tools.asked();
  page.clock.pass(119_999);
  page.tools.call([call('2', 'book', SLOT)]);
  await page.answered(2);
  assert.equal(page.runs, 1);
  page.clock.pass(1);
  page.tools.call([call('3', 'book', SLOT)]);
  await page.answered(3);
  assert.equal(page.runs, 2);
});

test('a call that a turn had followed is known until the person says something', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  await page.finish();
  page.tools.settle();
  page.tools.rebuild();
  page.tools.call([call('2', 'book', SLOT)]);
  await page.answered(2);
  assert.equal(page.runs, 1);
  page.tools.asked();
  page.tools.call([call('3', 'book', SLOT)]);
  await page.answered(3);
  assert.equal(page.runs, 2);
});

test('a call that failed may be tried again', async () => {
  const page = new Losing();
  page.tools.handle('fail', () => {
    page.runs += 1;
    throw new Error('The shop is closed.');
  });
  page.tools.call([call('1', 'fail')]);
  await page.answered(1);
  assert.equal(page.tools.rebuild(), 'fail({}) failed: The shop is closed.');
  page.tools.call([call('2', 'fail')]);
  await page.answered(2);
  assert.equal(page.runs, 2);
});

test('a call that was cancelled is told as such', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  page.tools.cancel(['1']);
  await page.until(({ progress }) => progress.includes('1 cancelled'));
  await settled();
  assert.match(page.tools.rebuild(), /was cancelled\.$/);
});

test('the same call twice in one session runs twice', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  await page.finish();
  page.tools.call([call('2', 'book', SLOT)]);
  await page.answered(2);
  assert.equal(page.runs, 2);
});

test('a session that is told nothing runs the call again', async () => {
  const page = new Losing();
  page.tools.call([call('1', 'book', SLOT)]);
  page.tools.disown();
  await page.finish();
  page.tools.call([call('2', 'book', SLOT)]);
  await page.answered(1);
  assert.deepEqual([page.runs, page.informed], [2, []]);
  assert.match(page.tools.rebuild(), /^book[^.]*"BK-1"\.$/, 'only the second');
});

test('the last eight calls are told, and of each a part', async () => {
  const page = new Losing();
  page.tools.handle('long', () => 'x'.repeat(10_000));
  for (let id = 1; id <= 9; id += 1) page.tools.call([call(`${id}`, 'long', { id })]);
  await page.answered(9);
  const report = page.tools.rebuild();
  assert.ok(!report.includes('{"id":1}') && report.includes('{"id":2}') && report.includes('{"id":9}'));
  assert.ok(report.length < 8 * 600);
});
