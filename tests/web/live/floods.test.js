import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Incoming } from '../../../web/live/incoming.js';
import { Repeats } from '../../../web/live/ledger.js';
import { Tools } from '../../../web/live/tools.js';
import { Transcript } from '../../../web/live/transcript.js';
import { Snapshots } from '../../../web/live/watching.js';

test('a long utterance keeps its end, and says that its beginning was dropped', () => {
  const transcript = new Transcript();
  let text = '';
  for (let i = 0; i < 40_000; i += 1) ({ text } = transcript.append('agent', `word ${i} `));
  assert.ok(text.length <= 100_001, `${text.length} characters`);
  assert.match(text, /^….* word 39999 $/s);
  assert.equal(transcript.suppose('x'.repeat(10 ** 6)).text.length, 50_001);
});

test('the snapshot keeps the last utterances', () => {
  const snapshots = new Snapshots(() => /** @type {any} */ ({}));
  const transcript = new Transcript();
  for (let i = 0; i < 5000; i += 1) snapshots.note('transcript', transcript.type(`${i}`));
  assert.deepEqual([snapshots.latest.transcript.length, snapshots.latest.transcript.at(-1)?.text], [2000, '4999']);
});

test('every call of a flood is answered, those beyond the limit with an error', async () => {
  /** @type {any[]} */
  const answers = [];
  let running = 0;
  const tools = new Tools((responses) => answers.push(...responses), () => {});
  /** @type {(() => void)[]} */
  const finish = [];
  tools.handle('wait', () => new Promise((resolve) => (running += 1, finish.push(() => resolve('done')))));
  tools.expect([{ name: 'wait', behavior: 'NON_BLOCKING' }]);
  for (let i = 0; i < 5000; i += 1) tools.call([{ id: `${i}`, name: 'wait', args: { i } }]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(running, 64);
  assert.equal(answers.length, 5000 - 64);
  assert.match(answers[0].response.error, /at most 64 calls/);
  for (const each of finish) each();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(new Set(answers.map(({ id }) => id)).size, 5000);
});

test('kinds of unknown messages beyond a hundred are counted together', () => {
  /** @type {any[]} */
  const told = [];
  const incoming = new Incoming((_, detail) => told.push(detail), null, /** @type {any} */ ({}));
  for (let i = 0; i < 1000; i += 1) incoming.receive({ kind: 'unknown', name: `kind ${i}` });
  assert.deepEqual(told.at(-1), { name: 'others', count: 900 });
});

test('the results of repeated calls are bounded', async () => {
  const repeats = new Repeats({ now: () => 0, after: () => () => {} });
  let runs = 0;
  const call = (/** @type {number} */ i) => repeats.run({ id: '', name: 'f', args: { i } }, ['i'], async () => ({ output: (runs += 1) }));
  for (let i = 0; i < 1000; i += 1) await call(i);
  await call(999);
  assert.equal(runs, 1000, 'the latest is still known');
  await call(0);
  assert.equal(runs, 1001, 'the oldest is forgotten');
});
