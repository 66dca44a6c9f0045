import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { ScriptedTransport } from '../../../web/live/scripted-transport.js';
import { LiveSession } from '../../../web/live/session.js';

const SILENTLY = { microphone: false, speaker: /** @type {const} */ (false) };
const HANDLE = { sessionResumptionUpdate: { newHandle: 'handle-1', resumable: true } };
/** @type {Partial<import('../../../web/live/session.js').Grant>} */
const GRANT = { lease: 'lease-1', features: { greeting: 'Greet the caller.', rebuild: 'content' } };

/** A session of one page. @param {ConstructorParameters<typeof ScriptedTransport>[0]} [script] */
function page(script = { grant: GRANT }) {
  const api = new ScriptedTransport(script);
  const session = new LiveSession({ token: api.token, transport: api.transport });
  /** @type {{state: string, code?: string}[]} */
  const states = [];
  session.on('state', ({ state, error }) => states.push({ state, ...(error && { code: error.code }) }));
  return { api, session, states };
}

/** A conversation in which two things were said. */
async function conversation() {
  let ended = 0;
  const before = page({ grant: { ...GRANT, end: () => (ended += 1) } });
  await before.session.start(SILENTLY);
  before.session.sendText('I like green tea');
  before.api.respond('So do I');
  before.api.receive(HANDLE);
  return { ...before, ended: () => ended };
}

/** What a page stores, as it reads it again. @param {import('../../../web/live/session.js').Left | null} left */
function stored(left) {
  assert.ok(left);
  return /** @type {import('../../../web/live/session.js').Left} */ (JSON.parse(JSON.stringify(left)));
}

test('a conversation that is left is not ended, and another page continues it', async () => {
  const before = await conversation();
  const left = stored(before.session.leave());
  assert.equal(before.session.state, 'closed');
  assert.equal(before.ended(), 0);
  assert.deepEqual(left.request, { lease: 'lease-1', resumption_handle: 'handle-1' });
  assert.ok(!JSON.stringify(left).includes('auth_tokens'), 'no token');

  const after = page();
  /** @type {boolean[]} */
  const lost = [];
  after.session.on('resumed', ({ contextLost }) => lost.push(contextLost));
  await after.session.start({ ...SILENTLY, continues: left });
  assert.deepEqual(after.api.requests, [left.request]);
  assert.deepEqual(after.states.map(({ state }) => state), ['connecting', 'live']);
  assert.deepEqual(lost, [false]);
  after.session.sendText('What do I like?');
  assert.deepEqual(after.api.sent.map(({ realtimeInput }) => realtimeInput?.text), [undefined, 'What do I like?'], 'no greeting');
  after.session.close();
});

test('what was said before is shown before the rest, and is not mixed up with it', async () => {
  const left = stored((await conversation()).session.leave());
  const { api, session } = page();
  await session.start({ ...SILENTLY, continues: left });
  session.sendText('Which one?');
  api.respond('Sencha');
  const shown = session.transcript.map(({ text, turn, earlier = false, final }) => ({ text, turn, earlier, final }));
  assert.deepEqual(shown, [
    { text: 'I like green tea', turn: -1, earlier: true, final: true },
    { text: 'So do I', turn: -1, earlier: true, final: true },
    { text: 'Which one?', turn: 0, earlier: false, final: true },
    { text: 'Sencha', turn: 0, earlier: false, final: true },
  ]);
  assert.equal(new Set(session.transcript.map(({ id }) => id)).size, 4);
  const next = stored(session.leave());
  assert.equal(next.transcript.length, 4, 'and on the page after that one');
});

test('without a handle, a fresh session is told what was said', async () => {
  const before = page();
  await before.session.start(SILENTLY);
  before.session.sendText('I like green tea');
  before.api.respond('So do I');
  const left = stored(before.session.leave());
  assert.deepEqual(left.request, { lease: 'lease-1', rebuild: true });
  const after = page();
  const rebuilt = new Promise((resolve) => after.session.on('rebuilt', resolve));
  await after.session.start({ ...SILENTLY, continues: left });
  assert.equal(/** @type {any} */ (await rebuilt).turns, 2);
  after.session.close();
  assert.match(JSON.stringify(after.api.sent), /I like green tea.*So do I/);
});

test('if Google no longer knows the handle, a fresh session is told what was said', async () => {
  const left = stored((await conversation()).session.leave());
  const after = page();
  const transport = () => {
    const socket = after.api.transport('wss://scripted.test');
    if (after.api.connections <= 1) queueMicrotask(() => after.api.close(1008, 'Session not found'));
    return socket;
  };
  const session = new LiveSession({ token: after.api.token, transport });
  const rebuilt = new Promise((resolve) => session.on('rebuilt', resolve));
  await session.start({ ...SILENTLY, continues: left });
  assert.equal(/** @type {any} */ (await rebuilt).turns, 2);
  assert.deepEqual(after.api.requests, [left.request, { lease: 'lease-1', rebuild: true }]);
  session.close();
});

test('a conversation that is left has nothing to leave twice, nor has one without a lease', async () => {
  const before = await conversation();
  assert.ok(before.session.leave());
  assert.equal(before.session.leave(), null);
  const leaseless = page({ grant: {} });
  await leaseless.session.start(SILENTLY);
  assert.equal(leaseless.session.leave(), null);
  assert.equal(leaseless.session.state, 'closed');
});

/** @param {() => {status: number, body: object}} answer */
async function service(answer) {
  /** @type {{path: string, body: any}[]} */
  const asked = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    asked.push({ path: String(request.url), body: JSON.parse(body) });
    const { status, body: content } = answer();
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(content));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(0)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { asked, token: `http://127.0.0.1:${port}/token`, close: () => server.close().closeAllConnections() };
}

const LEFT = { request: { lease: 'lease-1', resumption_handle: 'handle-1' }, transcript: [] };

test('a refused lease begins with a closed session and no error', async () => {
  const { asked, token, close } = await service(() => ({ status: 403, body: { code: 'lease-over', retryable: false } }));
  const session = new LiveSession({ token, transport: new ScriptedTransport().transport });
  /** @type {unknown[]} */
  const errors = [];
  session.on('state', ({ state, error }) => state === 'closed' && errors.push(error));
  await assert.rejects(session.start({ ...SILENTLY, continues: LEFT }), { code: 'lease-over' });
  assert.deepEqual(errors, [null]);
  assert.deepEqual(asked.map(({ path }) => path), ['/token']);
  close();
});

test('hanging up before the conversation is live again ends its lease', async () => {
  const { asked, token, close } = await service(() => ({ status: 200, body: {} }));
  const session = new LiveSession({ token, transport: new ScriptedTransport().transport });
  const started = session.start({ ...SILENTLY, continues: LEFT });
  session.close();
  await assert.rejects(started, { code: 'hung-up' });
  while (!asked.some(({ path }) => path === '/lease/end')) await new Promise((resolve) => setTimeout(resolve));
  assert.equal(asked.find(({ path }) => path === '/lease/end')?.body.lease, 'lease-1');
  close();
});
