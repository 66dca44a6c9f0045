import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Page, answered, call } from './tools-page.js';

/** A page whose person says *refused* while a step is held. @param {boolean} refused @param {boolean} spoken */
function holding(refused, spoken) {
  const page = new Page();
  /** @type {unknown[]} */
  const held = [];
  page.tools.hold = async (hold) => {
    held.push(hold);
    return { refused, spoken };
  };
  let ran = 0;
  page.tools.handle('f', () => (ran += 1), { hold: 1.5, refusals: ['not that'], same: ['day'] });
  return { page, held, ran: () => ran };
}

test('a step that is held is taken if nobody stops it', async () => {
  const { page, held } = holding(false, false);
  page.tools.call([call('1')]);
  await page.until(answered);
  assert.deepEqual(held, [{ name: 'f', seconds: 1.5, refusals: ['not that'] }]);
  assert.deepEqual(page.answers[0][0].response, { output: 1 });
  assert.deepEqual(page.informed, []);
});

test('the model is told the true state of a step in which somebody has spoken', async () => {
  const { page } = holding(false, true);
  page.tools.call([call('1')]);
  await page.until(answered);
  assert.deepEqual(page.informed, ['f was carried out: 1']);
});

test('a step that is stopped is not taken, and may be asked for again', async () => {
  const { page, ran } = holding(true, true);
  page.tools.call([call('1', 'f', { day: 'Monday' })]);
  await page.until(answered);
  assert.match(JSON.stringify(page.answers[0][0].response), /Nothing was done/);
  assert.deepEqual(page.informed, ['f was not carried out: the user stopped it.']);
  assert.equal(ran(), 0);
  page.tools.hold = async () => ({ refused: false, spoken: false });
  page.tools.call([call('2', 'f', { day: 'Monday' })]);
  await page.until(({ answers }) => answers.length === 2);
  assert.equal(ran(), 1);
});

test('a call that is the same gets the first result, over a rebuilt session, for ten minutes', async () => {
  const { page, ran } = holding(false, false);
  page.tools.call([call('1', 'f', { day: 'Monday', note: 'please' })]);
  await page.until(answered);
  page.tools.rebuild();
  page.tools.call([call('2', 'f', { day: 'Monday', note: 'in other words' }), call('3', 'f', { day: 'Tuesday' })]);
  await page.until(({ answers }) => answers.length === 2);
  assert.deepEqual(page.answers[1].map(({ response }) => response), [{ output: 1 }, { output: 2 }]);
  page.clock.pass(600_001);
  page.tools.call([call('4', 'f', { day: 'Monday' })]);
  await page.until(({ answers }) => answers.length === 3);
  assert.equal(ran(), 3);
});

test('what a call means may be a function of its arguments', async () => {
  const page = new Page();
  let ran = 0;
  page.tools.handle('book', () => (ran += 1), { same: ({ at }) => at.replace('tomorrow at', 'tomorrow') });
  page.tools.call([call('1', 'book', { at: 'tomorrow at 3pm' })]);
  await page.until(answered);
  page.tools.call([call('2', 'book', { at: 'tomorrow 3pm' })]);
  await page.until(({ answers }) => answers.length === 2);
  assert.equal(ran, 1);
});
