import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { ScriptedTransport } from '../../../web/live/scripted-transport.js';
import { LiveSession } from '../../../web/live/session.js';

const SILENTLY = { microphone: false, speaker: /** @type {const} */ (false) };
const TOOL = { name: 'find_order', behavior: 'BLOCKING', runs: /** @type {const} */ ('server'), timeout: 8 };
const CALL = { toolCall: { functionCalls: [{ id: 'c1', name: 'find_order', args: { number: '17' } }] } };

/** @typedef {{route: string, body: any}} Asked */

/**
 * A session whose token service runs tools as *serve* says.
 * @param {import('node:test').TestContext} t
 * @param {(asked: Asked) => [number, object]} serve
 * @param {import('../../../web/live/connection/token-source.js').Declaration} [tool]
 */
async function live(t, serve, tool = TOOL) {
  const api = new ScriptedTransport({ grant: { features: { tools: [tool] }, lease: 'the lease' } });
  /** @type {Asked[]} */
  const asked = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse((await request.toArray()).join(''));
    const route = request.url ?? '';
    asked.push({ route, body });
    const [status, content] = route === '/token' ? [200, await api.token(body)] : serve({ route, body });
    if (status === 0) response.destroy();
    else response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(content));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(null)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const session = new LiveSession({ token: `http://127.0.0.1:${port}/token`, transport: api.transport });
  t.after(() => {
    session.close();
    server.close();
  });
  await session.start(SILENTLY);
  api.sent.length = 0;
  return { api, session, asked, tools: () => asked.filter(({ route }) => route.startsWith('/tool')) };
}

/** @param {() => boolean} condition */
async function until(condition) {
  const end = performance.now() + 8000;
  while (!condition()) {
    assert.ok(performance.now() < end, `in time: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** @param {ScriptedTransport} api */
const answers = (api) => api.sent.flatMap((/** @type {any} */ { toolResponse }) => toolResponse?.functionResponses ?? []);

test('a call is carried to the service, with nothing written in the page', async (t) => {
  const { api, session, tools } = await live(t, () => [200, { response: { output: { state: 'on its way' } } }]);
  /** @type {unknown[]} */
  const progress = [];
  session.on('tool', ({ name, status }) => progress.push([name, status]));
  api.receive(CALL);
  await until(() => answers(api).length === 1);
  assert.deepEqual(answers(api), [{ id: 'c1', name: 'find_order', response: { output: { state: 'on its way' } } }]);
  assert.deepEqual(tools(), [{ route: '/tool', body: { lease: 'the lease', call: 'c1', name: 'find_order', args: { number: '17' } } }]);
  assert.deepEqual(progress, [['find_order', 'running'], ['find_order', 'answered']]);
});

test('the service says when the model is to use the result', async (t) => {
  const tool = { ...TOOL, behavior: 'NON_BLOCKING' };
  const { api } = await live(t, () => [200, { response: { output: 3 }, scheduling: 'SILENT' }], tool);
  api.receive(CALL);
  await until(() => answers(api).length === 1);
  assert.equal(answers(api)[0].scheduling, 'SILENT');
});

test('a tool of the server is not missing in the page', async (t) => {
  const api = new ScriptedTransport({ grant: { features: { tools: [TOOL] } } });
  const session = new LiveSession({ token: api.token, transport: api.transport });
  t.after(() => session.close());
  const reported = new Promise((resolve) => session.on('tools', resolve));
  await session.start(SILENTLY);
  assert.deepEqual(await reported, { missing: [], surplus: [] });
});

test('where a function of the page gets the tokens, the model is told that nobody knows the service', async (t) => {
  const api = new ScriptedTransport({ grant: { features: { tools: [TOOL] } } });
  const session = new LiveSession({ token: api.token, transport: api.transport });
  t.after(() => session.close());
  await session.start(SILENTLY);
  api.receive(CALL);
  await until(() => answers(api).length === 1);
  assert.match(JSON.stringify(answers(api)), /does not know the address of the service/); // service-unknown
});

test('what the service says of a failure is told to the model', async (t) => {
  const { api } = await live(t, ({ body }) =>
    body.args.number === '17' ? [200, { response: { error: 'The tool failed.' } }] : [400, { code: 'tool-arguments-refused', detail: 'args.number is missing.' }],
  );
  api.receive(CALL);
  api.receive({ toolCall: { functionCalls: [{ id: 'c2', name: 'find_order', args: {} }] } });
  await until(() => answers(api).length === 2);
  assert.deepEqual(answers(api).map(({ response }) => response).sort(), [{ error: 'The tool failed.' }, { error: 'args.number is missing.' }].sort());
});

test('a call whose answer was lost on the way is sent again, under the same id', async (t) => {
  let lost = 0;
  const { api, tools } = await live(t, () => ((lost += 1) < 2 ? [0, {}] : [200, { response: { output: 'once' } }]));
  api.receive(CALL);
  await until(() => answers(api).length === 1);
  assert.deepEqual(tools().map(({ body }) => body.call), ['c1', 'c1']);
});

test('a call that is cancelled is cancelled at the service', async (t) => {
  const { api, tools } = await live(t, ({ route }) => [route === '/tool' ? 503 : 204, { retryable: true }]);
  api.receive(CALL);
  await until(() => tools().length > 0);
  api.receive({ toolCallCancellation: { ids: ['c1'] } });
  await until(() => tools().some(({ route }) => route === '/tool/cancel'));
  assert.deepEqual(tools().at(-1), { route: '/tool/cancel', body: { lease: 'the lease', call: 'c1' } });
});

/** @param {Asked} asked @returns {[number, object]} */
function waits({ route, body }) {
  if (route === '/tool') return [202, { pending: { confirmation: 'once', hold: 0.2, ...(body.args.question && { question: 'Refund it?' }) } }];
  return [200, { response: body.accept ? { output: 'refunded' } : { error: 'Nothing was done.' } }];
}

test('a step that is held is taken after the pause', async (t) => {
  const { api, tools } = await live(t, waits);
  api.receive(CALL);
  await until(() => answers(api).length === 1);
  assert.deepEqual(answers(api)[0].response, { output: 'refunded' });
  assert.deepEqual(tools().at(-1), {
    route: '/tool/confirm',
    body: { lease: 'the lease', call: 'c1', name: 'find_order', args: { number: '17' }, confirmation: 'once', accept: true },
  });
});

test('a step that the person stops is not taken, and the model is told so', async (t) => {
  const { api, tools } = await live(t, waits);
  api.receive(CALL);
  api.receive({ serverContent: { inputTranscription: { text: 'Stop!' } } });
  await until(() => answers(api).length === 1);
  assert.equal(tools().at(-1)?.body.accept, false);
  assert.deepEqual(answers(api)[0].response, { error: 'Nothing was done.' });
  api.receive({ serverContent: { turnComplete: true } });
  await until(() => JSON.stringify(api.sent).includes('find_order has not taken effect'));
});

for (const accept of [true, false]) {
  test(`a question is put to the page, which answers ${accept}`, async (t) => {
    const { api, session, tools } = await live(t, waits);
    /** @type {unknown[]} */
    const questions = [];
    session.on('question', (question) => {
      questions.push(question?.question ?? null);
      question?.answer(accept);
    });
    api.receive({ toolCall: { functionCalls: [{ id: 'c1', name: 'find_order', args: { question: true } }] } });
    await until(() => answers(api).length === 1);
    assert.deepEqual(questions, ['Refund it?', null]);
    assert.equal(tools().at(-1)?.body.accept, accept);
  });
}

test('a question is answered by a spoken no', async (t) => {
  const { api, session, tools } = await live(t, waits);
  /** @type {unknown[]} */
  const questions = [];
  session.on('question', (question) => questions.push(question?.question ?? null));
  api.receive({ toolCall: { functionCalls: [{ id: 'c1', name: 'find_order', args: { question: true } }] } });
  await until(() => questions.length === 1);
  api.receive({ serverContent: { inputTranscription: { text: 'No, please not.' } } });
  await until(() => answers(api).length === 1);
  assert.equal(tools().at(-1)?.body.accept, false);
  assert.deepEqual(questions, ['Refund it?', null]);
});
