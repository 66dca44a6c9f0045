import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../../../../web/live/connection/token-source.js';
import { Scene, unreachable } from './scene.js';

/** Waits after three refusals: until the second and the third try, and until a fresh session. */
const LOCKED = [1125, 282, 0];

test('a drop is resumed at once, and what was sent is not sent again', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.connection.send('sent');
  await scene.socket.ends(1006);
  scene.connection.send('held');
  await scene.pass(0);
  assert.deepEqual(scene.requests[1], { lease: 'lease', resumption_handle: 'h1' });
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent.slice(1), ['held']);
  assert.deepEqual(scene.told, ['resuming', 'resumed']);
});

test('an answer to a call waits for a connection as long as it takes, and is sent before what was held', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.goes('offline');
  scene.connection.sendSound('too long ago');
  scene.connection.sendAnswer('answer');
  for (let chunk = 0; chunk < 3000; chunk += 1) scene.connection.sendSound(`chunk ${chunk}`);
  await scene.pass(60_000);
  await scene.goes('online');
  await scene.sockets[0].ends(1000);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.socket.sent.slice(1, 3), ['answer', 'chunk 0']);
  assert.equal(scene.socket.sent.length, 1 + 1 + 3000);
});

test('an outage of any length drops only sound, never what was typed', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.goes('offline');
  scene.connection.send('typed first');
  for (let chunk = 0; chunk < 4000; chunk += 1) scene.connection.sendSound(`chunk ${chunk}`);
  scene.connection.send('typed last');
  await scene.pass(0);
  await scene.goes('online');
  await scene.sockets[0].ends(1000);
  await scene.acceptWithHandle();
  const [, first, second, ...more] = scene.socket.sent;
  assert.deepEqual([first, second, more.at(-1)], ['typed first', 'chunk 1000', 'typed last']);
  assert.equal(more.length, 3000);
});

test('before the first connection the last ten seconds of sound are kept, and all that was typed', async () => {
  const scene = new Scene();
  scene.connection.send(() => (scene.connection.features?.activity === 'manual' ? 'start' : ''));
  for (let chunk = 0; chunk < 600; chunk += 1) scene.connection.sendSound(`chunk ${chunk}`);
  scene.connection.send('typed');
  scene.features = { activity: 'manual' };
  await scene.start();
  const [, start, first, ...more] = scene.socket.sent;
  assert.deepEqual([start, first, more.at(-1), more.length], ['start', 'chunk 100', 'typed', 500]);
});

test('an answer is not sent to a session that does not know the call', async () => {
  const scene = await new Scene().start();
  await scene.socket.ends(1006);
  scene.connection.sendAnswer('answer');
  scene.connection.send('held');
  await scene.pass(0);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.told, ['resuming', 'resumed, context lost']);
  assert.deepEqual(scene.socket.sent.slice(1), ['held']);
});

test('a resume after a drop that comes too soon is tried again', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.pass(60_000);
  await scene.socket.ends(1006);
  scene.connection.send('held');
  await scene.pass(0);
  await scene.refuse();
  await scene.pass(1125);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.socket.sent.slice(1), ['held']);
  assert.deepEqual([scene.told, scene.gaps, scene.requests.length], [['resuming', 'resumed'], [1625], 2]);
});

test('a token that a refused resume has used up is replaced', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  await scene.pass(0);
  await scene.refuse();
  await scene.pass(1125);
  await scene.socket.refuses(1011, 'Token has been used too many times');
  await scene.pass(1000);
  await scene.acceptWithHandle();
  assert.deepEqual([scene.told, scene.requests.length], [['resuming', 'resumed'], 3]);
});

test('a session that stays locked is given up, and the conversation continues without its context', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.pass(60_000);
  await scene.socket.ends(1006);
  await scene.pass(0);
  for (const wait of LOCKED) {
    await scene.refuse();
    await scene.pass(wait);
  }
  await scene.acceptWithHandle();
  assert.deepEqual(scene.requests.slice(1), [{ lease: 'lease', resumption_handle: 'h1' }, { lease: 'lease' }]);
  assert.deepEqual(scene.told, ['resuming', 'resumed, context lost']);
  assert.deepEqual(scene.forms, []);
});

/**
 * A conversation whose profile allows to rebuild it; its session is lost and stays locked.
 * @param {'content' | 'history'} form
 */
async function locked(form) {
  const scene = new Scene();
  scene.features = { rebuild: form };
  await scene.start();
  scene.socket.offer('h1');
  await scene.pass(60_000);
  await scene.socket.ends(1006);
  scene.connection.send('held 1');
  await scene.pass(0);
  for (const wait of LOCKED) {
    await scene.refuse();
    await scene.pass(wait);
  }
  return scene;
}

for (const form of /** @type {const} */ (['content', 'history'])) {
  test(`a session that stays locked is rebuilt within 3.5 s, as ${form}: what was said, and then what was held`, async () => {
    const scene = await locked(form);
    scene.connection.sendAnswer('answer');
    scene.connection.send('held 2');
    await scene.acceptWithHandle();
    assert.deepEqual(scene.requests.slice(1), [{ lease: 'lease', resumption_handle: 'h1' }, { lease: 'lease', rebuild: true }]);
    assert.deepEqual(scene.socket.sent.slice(1), ['what was said', 'held 1', 'held 2'], 'the call is not known there');
    assert.deepEqual(scene.sent, ['what was said', 'held 1', 'held 2']);
    assert.deepEqual([scene.told, scene.forms], [['resuming', 'rebuilt, 2 turns'], [form]]);
    assert.ok(scene.gaps[0] < 3500, `${scene.gaps}`);
  });
}

test('a rebuilt session is resumed by its own handle', async () => {
  const scene = await locked('content');
  await scene.acceptWithHandle();
  await scene.pass(1000);
  await scene.socket.ends(1006);
  await scene.pass(500);
  await scene.acceptWithHandle();
  assert.equal(scene.requests.at(-1).resumption_handle, 'handle 5');
  assert.deepEqual(scene.told.slice(2), ['resuming', 'resumed']);
});

test('a rebuilt session that refuses what it is told is replaced by one that is told nothing', async () => {
  const scene = await locked('content');
  await scene.acceptWithHandle();
  await scene.pass(100);
  await scene.socket.ends(1007, 'Request contains an invalid argument.');
  await scene.pass(500);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.requests.at(-1), { lease: 'lease' });
  assert.deepEqual(scene.told.slice(2), ['resuming', 'resumed, context lost']);
});

test('a session in which nothing was said loses nothing', async () => {
  const scene = await locked('content');
  scene.history = { turns: 0, frames: [], empty: true };
  await scene.acceptWithHandle();
  assert.deepEqual(scene.told, ['resuming', 'resumed']);
  assert.deepEqual(scene.socket.sent.slice(1), ['held 1']);
});

test('without a lease, only a model that needs no other token is rebuilt', async () => {
  for (const [form, told] of /** @type {const} */ ([['content', 'rebuilt, 2 turns'], ['history', 'resumed, context lost']])) {
    const scene = new Scene();
    scene.features = { rebuild: form };
    scene.lease = undefined;
    await scene.start();
    await scene.socket.ends(1006);
    await scene.pass(0);
    await scene.acceptWithHandle();
    assert.deepEqual([scene.requests[1], scene.told.at(-1)], [{ profile: 'p' }, told]);
  }
});

test('a fresh session is not told what was refused twice', async () => {
  const scene = new Scene();
  scene.features = { rebuild: 'content' };
  await scene.start();
  scene.socket.offer('h1');
  await scene.socket.ends(1007, 'Precondition check failed.');
  await scene.pass(0);
  await scene.acceptWithHandle();
  await scene.socket.ends(1007, 'Precondition check failed.');
  await scene.pass(500);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.requests.at(-1), { lease: 'lease' });
  assert.deepEqual([scene.told.at(-1), scene.forms], ['resumed, context lost', []]);
});

test('offline, nothing is sent; online, the conversation goes on', async () => {
  const scene = await new Scene().start();
  const [old] = scene.sockets;
  old.offer('h1');
  await scene.goes('offline');
  scene.connection.send('held');
  await scene.pass(60_000);
  assert.equal(scene.requests.length, 1);
  await scene.goes('online');
  await old.ends(1000);
  await scene.socket.accept();
  assert.deepEqual([old.sent.slice(1), scene.socket.sent.slice(1)], [[], ['held']]);
});

test('a dead socket that never agrees to close is waited for no longer than two seconds', async () => {
  const scene = await new Scene().start();
  await scene.goes('offline');
  await scene.goes('online');
  await scene.pass(0);
  await scene.pass(1999);
  assert.equal(scene.sockets.length, 1);
  await scene.pass(1);
  assert.equal(scene.sockets.length, 2);
});

test('while the service is out of reach, the token in hand resumes', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.answers = [unreachable()];
  await scene.socket.ends(1006);
  await scene.pass(0);
  assert.deepEqual(scene.sockets.length, 2);
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent[0].setup.sessionResumption, { handle: 'h1' });
});

test('a service that is down for twenty seconds, with the token over, is waited for', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.answers = Array.from({ length: 6 }, unreachable);
  await scene.socket.ends(1011, 'auth token has expired');
  for (let i = 0; i < 32; i += 1) await scene.pass(1000);
  assert.equal(scene.sockets.length, 2);
  await scene.socket.accept();
  assert.deepEqual(scene.told, ['resuming', 'resumed']);
});

test('there is a last attempt', async () => {
  const scene = await new Scene().start();
  scene.answers = Array.from({ length: 20 }, unreachable);
  await scene.socket.ends(1006);
  for (let i = 0; i < 100; i += 1) await scene.pass(1000);
  assert.equal(scene.requests.length, 1 + 9);
  assert.equal(scene.error?.code, 'token-service-unreachable');
});

test('the wrong country is the end', async () => {
  const scene = await new Scene().start();
  await scene.socket.ends(1007, 'User location is not supported for the API use.');
  await scene.pass(60_000);
  assert.equal(scene.requests.length, 1);
  assert.equal(scene.error?.code, 'location-unsupported');
});

test('a healthy call is resumed once after a refused message, and then continued without its context', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.pass(60_000);
  await scene.socket.ends(1007, 'Precondition check failed.');
  await scene.pass(0);
  await scene.acceptWithHandle();
  await scene.socket.ends(1007, 'Precondition check failed.');
  await scene.pass(500);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.requests.slice(1), [{ lease: 'lease', resumption_handle: 'h1' }, { lease: 'lease' }]);
  assert.deepEqual(scene.told, ['resuming', 'resumed', 'resuming', 'resumed, context lost']);
});

test('a connection that is cut after its announced end is resumed', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.socket.receive({ goAway: { timeLeft: '50s' } });
  await scene.socket.ends(1008, 'Connection aborted because the client failed to close the connection after receiving a GoAway signal');
  await scene.pass(0);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.requests[1], { lease: 'lease', resumption_handle: 'h1' });
  assert.deepEqual(scene.told, ['resuming', 'resumed']);
});

test('a polite close is the end, without an error', async () => {
  const scene = await new Scene().start();
  await scene.socket.ends(1000);
  assert.deepEqual([scene.told, scene.error], [['ended'], null]);
});

test('a handle that is not known any more is dropped, and the page is told', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  await scene.pass(0);
  await scene.socket.refuses(1008, 'BidiGenerateContent session not found');
  await scene.pass(500);
  assert.deepEqual(scene.requests.slice(1), [{ lease: 'lease', resumption_handle: 'h1' }, { lease: 'lease' }]);
  await scene.socket.accept();
  assert.deepEqual(scene.told, ['resuming', 'resumed, context lost']);
});

test('a handle whose sessions die young twice is dropped', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  for (const wait of [0, 500]) {
    await scene.pass(wait);
    await scene.socket.accept();
    scene.socket.offer('h2');
    await scene.pass(1000);
    await scene.socket.ends(1011, 'Internal error encountered.');
  }
  await scene.pass(1000);
  assert.deepEqual(scene.requests.at(-1), { lease: 'lease' });
});

test("a backend without leases is asked for a new token, and the setup resumes by the handle", async () => {
  const scene = new Scene();
  scene.answers = [{ lease: undefined }, { lease: undefined }];
  await scene.start();
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  await scene.pass(0);
  assert.deepEqual(scene.requests, [{ profile: 'p' }, { profile: 'p' }]);
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent[0].setup.sessionResumption, { handle: 'h1' });
});

for (const [when, act] of /** @type {[string, (scene: Scene) => Promise<void>][]} */ ([
  ['at a renewal', (scene) => scene.pass(280_000)],
  ['after a drop', (scene) => scene.socket.ends(1006)],
])) {
  for (const status of [429, 503]) {
    test(`a service without credit (${status}) ends the conversation ${when}, whatever it advises`, async () => {
      const scene = await new Scene().start();
      scene.socket.offer('h1');
      scene.answers = [problem(status, { code: 'quota-exhausted', detail: 'No more.', retryable: true })];
      await act(scene);
      await scene.pass(60_000);
      assert.deepEqual([scene.error?.code, scene.error?.message], ['quota-exhausted', 'No more.']);
      assert.deepEqual([scene.requests.length, scene.sockets.length, scene.clock.waiting], [2, 1, 0]);
    });
  }
}

test('resuming into an account without credit is one attempt', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  await scene.pass(0);
  await scene.socket.refuses(1011, 'Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project and');
  await scene.pass(60_000);
  assert.deepEqual([scene.error?.code, scene.sockets.length], ['quota-exhausted', 2]);
});

test('hanging up while resuming leaves nothing behind', async () => {
  const scene = await new Scene().start();
  scene.answers = [unreachable(), unreachable()];
  await scene.socket.ends(1006);
  await scene.pass(0);
  scene.ending.abort(new Error('hung up'));
  await scene.pass(60_000);
  assert.equal(scene.ends, 1);
  assert.equal(scene.clock.waiting, 0);
  assert.deepEqual(scene.told, ['resuming']);
});
