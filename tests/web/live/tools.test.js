import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tools } from '../../../web/live/tools.js';
import { TestClock } from '../test-clock.js';

/** Tools that note what they answer and report; `settled` waits until so many answers were given. */
class Page {
  /** @type {import('../../../web/live/connection/protocol.js').FunctionResponse[][]} */
  answers = [];
  /** @type {string[]} */
  progress = [];
  #noted = new EventTarget();
  clock = new TestClock();
  /** Results that a rebuilt session is told later. @type {string[]} */
  informed = [];
  tools = new Tools(
    (responses) => this.#note(this.answers, responses),
    ({ id, status }) => this.#note(this.progress, `${id} ${status}`),
    (results) => this.#note(this.informed, results),
    this.clock,
  );

  /** @template Thing @param {Thing[]} list @param {Thing} thing */
  #note(list, thing) {
    list.push(thing);
    this.#noted.dispatchEvent(new Event('noted'));
  }

  /** @param {(page: Page) => boolean} condition @returns {Promise<void>} */
  until(condition) {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition(this)) return;
        this.#noted.removeEventListener('noted', look);
        resolve();
      };
      this.#noted.addEventListener('noted', look);
      look();
    });
  }
}

const call = (/** @type {string} */ id, name = 'f', args = {}) => ({ id, name, args });
/** A promise that the test keeps. */
function pending() {
  /** @type {(value: unknown) => void} */
  let finish = () => {};
  const promise = new Promise((resolve) => (finish = resolve));
  return { promise, finish };
}

const answered = (/** @type {Page} */ page) => page.answers.length > 0;

test('a call is answered with what the page returns, by its id and name', async () => {
  const page = new Page();
  page.tools.handle('add', async ({ a, b }) => a + b);
  page.tools.expect([{ name: 'add' }]);
  page.tools.call([call('1', 'add', { a: 1, b: 2 })]);
  await page.until(answered);
  assert.deepEqual(page.answers, [[{ id: '1', name: 'add', response: { output: 3 } }]]);
  assert.deepEqual(page.progress, ['1 running', '1 answered']);
});

test('a tool that returns nothing is still answered', async () => {
  const page = new Page();
  page.tools.handle('f', () => {});
  page.tools.call([call('1')]);
  await page.until(answered);
  assert.deepEqual(page.answers[0][0].response, { output: null });
});

for (const [situation, tool, error] of /** @type {[string, import('../../../web/live/tools.js').Tool, RegExp][]} */ ([
  ['throws', () => { throw new Error('The shop is closed.'); }, /^The shop is closed\.$/],
  ['rejects', () => Promise.reject(new Error('Later.')), /^Later\.$/],
  ['throws something else', () => { throw 'no'; }, /^no$/],
  ['returns what JSON cannot hold', () => 1n, /BigInt/],
])) {
  test(`a tool that ${situation} is answered with an error`, async () => {
    const page = new Page();
    page.tools.handle('f', tool);
    page.tools.call([call('1')]);
    await page.until(answered);
    const { response } = page.answers[0][0];
    assert.match('error' in response ? response.error : '', error);
    assert.deepEqual(page.progress, ['1 running', '1 failed']);
  });
}

test('a call that nobody handles is answered with an error', async () => {
  const page = new Page();
  page.tools.call([call('1', 'open_pod_bay_doors')]);
  await page.until(answered);
  assert.deepEqual(page.answers[0][0].response, { error: 'This page has no tool named open_pod_bay_doors.' });
});

test('missing and surplus tools are reported', () => {
  const { tools } = new Page();
  tools.handle('a', () => 1);
  tools.handle('b', () => 1);
  assert.deepEqual(tools.expect([{ name: 'b' }, { name: 'c' }]), { missing: ['c'], surplus: ['a'] });
});

test('a repeated call is run once', async () => {
  const page = new Page();
  let runs = 0;
  page.tools.handle('f', () => (runs += 1));
  page.tools.call([call('1')]);
  page.tools.call([call('1'), call('2')]);
  await page.until(({ answers }) => answers.flat().length === 2);
  assert.equal(runs, 2);
  assert.deepEqual(page.answers.flat().map(({ id }) => id), ['1', '2']);
});

test('ids of an earlier conversation do not count', async () => {
  const page = new Page();
  page.tools.handle('f', () => 1);
  page.tools.expect([{ name: 'f' }]);
  page.tools.call([call('1')]);
  await page.until(answered);
  page.tools.expect([{ name: 'f' }]);
  page.tools.call([call('1')]);
  await page.until(({ answers }) => answers.length === 2);
});

test('calls that the model waits for are answered together', async () => {
  const page = new Page();
  const slow = pending();
  page.tools.handle('fast', () => 1);
  page.tools.handle('slow', () => slow.promise);
  page.tools.expect([{ name: 'fast' }, { name: 'slow', behavior: 'BLOCKING' }]);
  page.tools.call([call('1', 'fast'), call('2', 'slow')]);
  slow.finish(2);
  await page.until(answered);
  assert.deepEqual(page.answers.map((answer) => answer.map(({ id }) => id)), [['1', '2']]);
});

test('calls that the model does not wait for are answered as they finish', async () => {
  const page = new Page();
  const slow = pending();
  page.tools.handle('fast', () => 1);
  page.tools.handle('slow', () => slow.promise);
  page.tools.expect([{ name: 'fast', behavior: 'NON_BLOCKING' }, { name: 'slow', behavior: 'NON_BLOCKING' }]);
  page.tools.call([call('1', 'slow'), call('2', 'fast')]);
  await page.until(answered);
  slow.finish(2);
  await page.until(({ answers }) => answers.length === 2);
  assert.deepEqual(page.answers.flat().map(({ id }) => id), ['2', '1']);
});

test('a cancelled call aborts the tool and is never answered', async () => {
  const page = new Page();
  /** @type {AbortSignal | undefined} */
  let told;
  page.tools.handle('f', (_, { signal }) => {
    told = signal;
    return new Promise(() => {});
  });
  page.tools.handle('g', () => 'still wanted');
  page.tools.call([call('1'), call('2', 'g')]);
  page.tools.cancel(['1', 'unknown']);
  await page.until(answered);
  assert.ok(told?.aborted);
  assert.deepEqual(page.answers, [[{ id: '2', name: 'g', response: { output: 'still wanted' } }]]);
  assert.ok(page.progress.includes('1 cancelled'));
});

test('calls of a session that is gone finish without an answer, and later calls are answered', async () => {
  const page = new Page();
  const slow = pending();
  /** @type {AbortSignal | undefined} */
  let told;
  page.tools.handle('slow', (_, { signal }) => {
    told = signal;
    return slow.promise;
  });
  page.tools.handle('fast', () => 2);
  page.tools.call([call('1', 'slow')]);
  page.tools.disown();
  slow.finish(1);
  await page.until(({ progress }) => progress.includes('1 answered'));
  page.tools.call([call('2', 'fast')]);
  await page.until(answered);
  assert.equal(told?.aborted, false);
  assert.deepEqual(page.answers.flat().map(({ id }) => id), ['2']);
});

test('the page chooses when the model uses an answer that it did not wait for', async () => {
  const page = new Page();
  const whisper = (/** @type {unknown} */ _, /** @type {import('../../../web/live/tools.js').ToolCall} */ { schedule }) => {
    schedule('SILENT');
    return 'noted';
  };
  page.tools.handle('note', whisper);
  page.tools.handle('ask', whisper);
  page.tools.expect([{ name: 'note', behavior: 'NON_BLOCKING' }, { name: 'ask', behavior: 'BLOCKING' }]);
  page.tools.call([call('1', 'note'), call('2', 'ask')]);
  await page.until(({ answers }) => answers.length === 2);
  const scheduled = Object.fromEntries(page.answers.flat().map(({ id, scheduling }) => [id, scheduling]));
  assert.deepEqual(scheduled, { 1: 'SILENT', 2: undefined }, 'who is waited for cannot be put off');
});

test('a tool that takes too long is aborted, and the model is told', async () => {
  const page = new Page();
  /** @type {AbortSignal | undefined} */
  let told;
  page.tools.handle(
    'f',
    (_, { signal }) => {
      told = signal;
      return new Promise(() => {});
    },
    { seconds: 0.01 },
  );
  page.tools.call([call('1')]);
  await page.until(answered);
  assert.deepEqual(page.answers[0][0].response, { error: 'There was no answer within 0.01 s.' });
  assert.ok(told?.aborted);
  assert.deepEqual(page.progress, ['1 running', '1 failed']);
  assert.ok(!page.tools.busy);
});

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

test('calls without an id are each run, and answered by their name', async () => {
  const page = new Page();
  let runs = 0;
  page.tools.handle('f', () => (runs += 1));
  page.tools.call([call('')]);
  page.tools.call([call(''), call('')]);
  await page.until(({ answers }) => answers.flat().length === 3);
  assert.deepEqual(page.answers.flat().map(({ response }) => response), [1, 2, 3].map((output) => ({ output })));
  assert.ok(page.answers.flat().every((answer) => answer.name === 'f' && !('id' in answer)));
  const ids = page.progress.filter((line) => line.endsWith('running'));
  assert.equal(new Set(ids).size, 3, 'each has an id of its own for the page');
});

test('a tool that the model does not wait for tells what there is so far', async () => {
  const page = new Page();
  page.tools.handle('f', (_, { update, schedule }) => {
    schedule('SILENT');
    update({ found: 1 });
    return { found: 2 };
  });
  page.tools.expect([{ name: 'f', behavior: 'NON_BLOCKING' }]);
  page.tools.call([call('1')]);
  await page.until(({ answers }) => answers.length === 2);
  assert.deepEqual(page.answers.flat(), [
    { id: '1', name: 'f', response: { output: { found: 1 } }, scheduling: 'SILENT', willContinue: true },
    { id: '1', name: 'f', response: { output: { found: 2 } }, scheduling: 'SILENT' },
  ]);
});

test('a call that the model waits for, or that is over, has no result in parts', async () => {
  const page = new Page();
  /** @type {((output: unknown) => void)[]} */
  const updates = [];
  page.tools.handle('f', (_, { update }) => {
    updates.push(update);
    update('early');
  });
  page.tools.expect([{ name: 'f', behavior: 'BLOCKING' }]);
  page.tools.call([call('1')]);
  await page.until(answered);
  page.tools.expect([{ name: 'f', behavior: 'NON_BLOCKING' }]);
  page.tools.call([call('2')]);
  await page.until(({ answers }) => answers.length === 3);
  for (const update of updates) update('late');
  assert.deepEqual(page.answers.flat().map(({ willContinue }) => willContinue), [undefined, true, undefined]);
});

test('whatever a tool throws is answered', async () => {
  const hostile = { toString: () => { throw new Error('never'); } };
  for (const thrown of [null, undefined, Symbol('s'), Object.create(null), hostile, Object.assign(new Error(), { message: null })]) {
    const page = new Page();
    page.tools.handle('f', () => { throw thrown; });
    page.tools.call([call('1')]);
    await page.until(answered);
    const { response } = page.answers[0][0];
    assert.equal(typeof ('error' in response && response.error), 'string');
  }
});

test('what a tool returns is fixed when it returns', async () => {
  const page = new Page();
  let times = 0;
  const once = { toJSON: () => { times += 1; if (times > 1) throw new Error('again'); return { seen: true }; } };
  page.tools.handle('f', () => once);
  page.tools.handle('g', () => () => {});
  page.tools.call([call('1'), call('2', 'g')]);
  await page.until(answered);
  assert.equal(JSON.stringify(page.answers[0].map(({ response }) => response)), '[{"output":{"seen":true}},{"output":null}]');
});

test('an unknown schedule is not sent', async () => {
  const page = new Page();
  page.tools.handle('f', (_, { schedule }) => schedule(/** @type {any} */ ('NOW')));
  page.tools.expect([{ name: 'f', behavior: 'NON_BLOCKING' }]);
  page.tools.call([call('1')]);
  await page.until(answered);
  assert.deepEqual(page.answers[0], [{ id: '1', name: 'f', response: { output: null } }]);
});

test('a limit of more than a timer can hold is a long one', async () => {
  const page = new Page();
  page.tools.handle('f', () => new Promise((resolve) => setTimeout(() => resolve(1), 5)), { seconds: Infinity });
  page.tools.call([call('1')]);
  await page.until(answered);
  assert.deepEqual(page.answers[0][0].response, { output: 1 });
});

test('declarations of another type count as none', () => {
  const { tools } = new Page();
  tools.handle('f', () => 1, /** @type {any} */ (null));
  for (const strange of /** @type {any[]} */ ([null, undefined, 7, 'f', {}, [null, 7, {}, { name: 5 }]])) {
    assert.deepEqual(tools.expect(strange, strange), { missing: [], surplus: ['f'] });
    assert.deepEqual(tools.expect([{ name: 'f' }], [{ functionDeclarations: strange }]), { missing: [], surplus: [] });
  }
});

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
