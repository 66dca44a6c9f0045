import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Toolbox } from '../../../web/live/toolbox.js';

/** @typedef {import('../../../web/live/connection/protocol.js').FunctionResponse} FunctionResponse */

/** A toolbox, and its next answer. */
function toolbox() {
  /** @type {(answers: FunctionResponse[]) => void} */
  let notify = () => {};
  /** @type {Promise<FunctionResponse[]>} */
  const answered = new Promise((resolve) => (notify = resolve));
  const tools = new Toolbox(
    (responses) => notify(responses),
    () => {},
  );
  return { tools, answered };
}

const call = (/** @type {string} */ id) => ({ id, name: 'f', args: {} });

test('a call is answered although the page has no tools and the token declares none', async () => {
  const { tools, answered } = toolbox();
  await tools.prepare();
  assert.deepEqual(tools.expect(undefined), { missing: [], surplus: [] });
  tools.call([call('1')]);
  assert.ok(tools.busy, 'until it is answered');
  assert.deepEqual(await answered, [{ id: '1', name: 'f', response: { error: 'This page has no tool named f.' } }]);
  assert.ok(!tools.busy);
});

test('what the token declares and nobody handles is missing', async () => {
  const { tools } = toolbox();
  await tools.prepare();
  assert.deepEqual(tools.expect([{ name: 'f' }]), { missing: ['f'], surplus: [] });
});

test('what the token declares is known to what is loaded later', async () => {
  const { tools, answered } = toolbox();
  tools.expect([{ name: 'f', behavior: 'NON_BLOCKING' }]);
  tools.handle('f', (_, { schedule }) => schedule('SILENT'));
  tools.call([call('1')]);
  assert.equal((await answered)[0].scheduling, 'SILENT');
});

test('handlers are known whenever they are set', async () => {
  const { tools, answered } = toolbox();
  tools.handle('f', () => 'early');
  await tools.prepare();
  tools.handle('f', () => 'late');
  assert.deepEqual(tools.expect([]), { missing: [], surplus: ['f'] });
  tools.call([call('1')]);
  assert.deepEqual(await answered, [{ id: '1', name: 'f', response: { output: 'late' } }]);
});

for (const [how, drop] of /** @type {[string, (tools: Toolbox) => void][]} */ ([
  ['is cancelled', (tools) => tools.cancel(['1'])],
  ['belongs to a lost session', (tools) => void tools.rebuild()],
  ['belongs to a session that is told nothing', (tools) => tools.disown()],
])) {
  test(`a call that ${how} before anything can run it is dropped`, async () => {
    const { tools, answered } = toolbox();
    tools.call([call('1')]);
    drop(tools);
    tools.call([call('2')]);
    assert.deepEqual((await answered).map(({ id }) => id), ['2']);
  });
}
