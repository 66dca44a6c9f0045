import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Page, answered, call, pending } from './tools-page.js';

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
