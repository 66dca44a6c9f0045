import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Holding } from '../../../web/live/holding.js';
import { TestClock } from '../test-clock.js';

const HOLD = { name: 'book', seconds: 1.5 };
const CALL = new AbortController().signal;

function scene() {
  const clock = new TestClock();
  const now = { talking: false };
  const holding = new Holding(() => now.talking, new AbortController().signal, clock);
  const says = (/** @type {string} */ text) => holding.receive({ kind: 'transcript', side: 'user', text });
  const answers = (/** @type {string} */ text) => holding.receive({ kind: 'transcript', side: 'agent', text });
  /** @param {Promise<unknown>} decision @param {number} milliseconds */
  const pass = async (decision, milliseconds) => {
    let decided = false;
    decision.finally(() => (decided = true)).catch(() => {});
    for (let passed = 0; passed < milliseconds && !decided; passed += 50) {
      clock.pass(50);
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
    return decided;
  };
  return { clock, now, holding, says, answers, pass };
}

test('a step is taken after the pause if nothing is said', async () => {
  const { holding, pass } = scene();
  const decision = holding.wait(HOLD, CALL);
  assert.equal(await pass(decision, 1400), false);
  assert.equal(await pass(decision, 200), true);
  assert.deepEqual(await decision, { refused: false, spoken: false });
});

for (const words of ['Stop!', 'no, wait', 'Nein, doch nicht.', 'attendez', 'non', 'espera', 'aspetta', 'para', 'dur', 'やめて', '不要', '잠깐만요', 'توقف', 'रुको', 'Don’t'.replace('’', "'")]) {
  test(`“${words}” stops it`, async () => {
    const { holding, says, pass } = scene();
    says('Book it for three.');
    const decision = holding.wait(HOLD, CALL);
    await pass(decision, 300);
    says(words);
    await pass(decision, 100);
    assert.deepEqual(await decision, { refused: true, spoken: true });
  });
}

for (const words of ['Thanks.', 'Now we know.', 'Stopover in Rome', 'um Gottes willen', 'parade', 'perfetto, grazie']) {
  test(`“${words}” does not`, async () => {
    const { holding, says, pass } = scene();
    says('Book it for three.');
    const decision = holding.wait(HOLD, CALL);
    says(words);
    assert.equal(await pass(decision, 1600), true);
    assert.equal((await decision).refused, false);
  });
}

test('a voice that has begun is waited for until its words are there', async () => {
  const { holding, says, now, pass } = scene();
  const decision = holding.wait(HOLD, CALL);
  await pass(decision, 1000);
  now.talking = true;
  await pass(decision, 2200);
  now.talking = false;
  assert.equal(await pass(decision, 1300), false);
  says('Please stop that.');
  await pass(decision, 100);
  assert.deepEqual(await decision, { refused: true, spoken: true });
});

test('a voice without words is not waited for without end', async () => {
  const { holding, now, pass } = scene();
  now.talking = true;
  const decision = holding.wait(HOLD, CALL);
  assert.equal(await pass(decision, 30_000), true);
  assert.deepEqual(await decision, { refused: false, spoken: true });
});

test('a stop in one breath with the request counts, and the word in the request does not', async () => {
  const { holding, says, answers, pass } = scene();
  says('Book it for three.');
  says(' No, stop.');
  const stopped = holding.wait(HOLD, CALL);
  await pass(stopped, 100);
  assert.equal((await stopped).refused, true);
  for (const request of ['Cancel my order.', 'Stop my newsletter.', 'No, make it four.']) {
    answers('All right.');
    says(request);
    const order = holding.wait(HOLD, CALL);
    assert.equal(await pass(order, 1600), true);
    assert.equal((await order).refused, false, request);
  }
});

for (const words of ['Stop! Do not do that, please.', 'Halt, so war das nicht gemeint.', '停！我说错了']) {
  test(`“${words}” stops a call that was not made yet`, async () => {
    const { holding, says, answers, pass } = scene();
    says('Book it for three.');
    answers('I am book');
    says(words);
    const decision = holding.wait(HOLD, CALL);
    await pass(decision, 100);
    assert.equal((await decision).refused, true);
  });
}

test('a stop counts after the agent has spoken, and however much was said before', async () => {
  const { holding, says, answers, pass } = scene();
  says('word '.repeat(1000));
  const decision = holding.wait(HOLD, CALL);
  await pass(decision, 100);
  answers('I am booking it.');
  says('stop that please');
  await pass(decision, 100);
  assert.equal((await decision).refused, true);
});

test('a tool may have its own words', async () => {
  const { holding, says, pass } = scene();
  const decision = holding.wait({ ...HOLD, refusals: ['not that (one)'] }, CALL);
  says('oh, not that (one) please');
  await pass(decision, 100);
  assert.equal((await decision).refused, true);
});

test('what is typed counts as well', async () => {
  const { holding, pass } = scene();
  const decision = holding.wait(HOLD, CALL);
  holding.receive({ kind: 'typed', text: 'stop' });
  await pass(decision, 100);
  assert.equal((await decision).refused, true);
});

test('nothing waits after the call was cancelled', async () => {
  const { clock, holding, pass } = scene();
  const call = new AbortController();
  const decision = holding.wait(HOLD, call.signal);
  await pass(decision, 100);
  call.abort(new Error('cancelled'));
  await assert.rejects(decision, /cancelled/);
  assert.equal(clock.waiting, 0);
});

test('a call that the model makes again in place of one that was stopped is stopped too, until something else is said', async () => {
  const { holding, says, answers, pass } = scene();
  says('Book it for three.');
  const first = holding.wait(HOLD, CALL);
  says(' Stop! Do not do that');
  await pass(first, 100);
  says(' now.');
  const again = holding.wait(HOLD, CALL);
  await pass(again, 100);
  assert.equal((await again).refused, true);
  const other = holding.wait({ ...HOLD, name: 'look' }, CALL);
  assert.equal(await pass(other, 1600), true);
  assert.equal((await other).refused, false);
  answers('All right.');
  says('Then book it for four.');
  const later = holding.wait(HOLD, CALL);
  assert.equal(await pass(later, 1600), true);
  assert.equal((await later).refused, false);
});
