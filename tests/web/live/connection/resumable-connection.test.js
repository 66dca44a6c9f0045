import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveError } from '../../../../web/live/errors.js';
import { problem } from '../../../../web/live/connection/token-source.js';
import { Scene, settled, unreachable } from './scene.js';

/** Waits after three refusals: until the second and the third try, and until a fresh session. */
const LOCKED = [1125, 282, 0];

test('a renewal mints by lease and handle, waits for the old socket, and then says what was held', async () => {
  const scene = await new Scene().start();
  const [old] = scene.sockets;
  old.offer('h0');
  await scene.pass(1200);
  old.offer('h1');
  await scene.pass(278_700);
  scene.connection.send('before');
  await scene.pass(100);
  scene.connection.send('held 1');
  old.offer('h2');
  await settled();
  assert.deepEqual(scene.requests[1], { lease: 'lease', resumption_handle: 'h2' });
  assert.deepEqual(old.sent.slice(1), ['before']);
  assert.ok(old.closing);
  assert.equal(scene.sockets.length, 1, 'not before the old one is closed');
  scene.connection.send('held 2');
  await old.ends(1000);
  assert.equal(scene.sockets.length, 2);
  await scene.socket.accept();
  scene.connection.send('after');
  assert.deepEqual(scene.socket.sent.slice(1), ['held 1', 'held 2', 'after']);
  assert.deepEqual(scene.told, ['resuming', 'renewed']);
});

test("the first frame is what the renewal's answer says", async () => {
  const scene = await new Scene().start();
  const setup = { model: 'models/m', sessionResumption: { handle: 'h1' } };
  scene.answers = [{ setup }];
  scene.socket.offer('h1');
  await scene.pass(280_000);
  await scene.sockets[0].ends(1000);
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent, [{ setup }]);
});

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

test('an answer that is ready while a renewal holds frames back is sent by the next connection', async () => {
  const scene = await new Scene().start();
  await scene.pass(280_000);
  scene.connection.sendAnswer('answer');
  scene.socket.offer('h1');
  await settled();
  assert.deepEqual(scene.socket.sent.slice(1), []);
  await scene.socket.ends(1000);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.socket.sent.slice(1), ['answer']);
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

test('a renewal that comes too soon is tried again a second later with the same token, and nothing is lost', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.pass(279_999);
  scene.connection.send('before');
  await scene.pass(1);
  await scene.sockets[0].ends(1000);
  scene.connection.send('held 1');
  await scene.refuse();
  scene.connection.send('held 2');
  await scene.pass(1100);
  assert.equal(scene.sockets.length, 2);
  await scene.pass(25);
  assert.equal(scene.sockets.length, 3);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.socket.sent.slice(1), ['held 1', 'held 2']);
  assert.equal(scene.requests.length, 2, 'the token was not used');
  assert.deepEqual([scene.told, scene.gaps], [['resuming', 'renewed'], [1625]]);
});

test('twenty renewals that each come too soon keep the context', async () => {
  const scene = await new Scene().start();
  for (let renewal = 0; renewal < 20; renewal += 1) {
    scene.socket.offer('h');
    await scene.pass(280_000);
    await scene.socket.ends(1000);
    await scene.refuse();
    await scene.pass(1125);
    await scene.acceptWithHandle();
  }
  assert.deepEqual(scene.told, Array(20).fill(['resuming', 'renewed']).flat());
  assert.equal(scene.requests.length, 21);
  assert.ok(scene.gaps.every((gap) => gap === 1625), `${scene.gaps}`);
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
  scene.socket.onopen?.({});
  await scene.socket.ends(1011, 'Token has been used too many times');
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

test('a renewal without a handle rebuilds the context', async () => {
  const scene = new Scene();
  scene.features = { rebuild: 'content' };
  await scene.start();
  await scene.pass(296_000);
  await scene.socket.ends(1000);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.requests[1], { lease: 'lease', rebuild: true });
  assert.deepEqual(scene.told, ['resuming', 'rebuilt as planned, 2 turns']);
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

test('a blocked person is told so at the handover, and not asked for again', async () => {
  const scene = await new Scene().start();
  scene.answers = [problem(403, { code: 'blocked', detail: 'Switched off.', retryable: false })];
  await scene.pass(283_000);
  await scene.pass(20_000);
  assert.deepEqual([scene.error?.code, scene.error?.message], ['blocked', 'Switched off.']);
  assert.equal(scene.requests.length, 2);
  assert.equal(scene.sockets.length, 1);
  assert.ok(scene.sockets[0].closing);
  assert.equal(scene.ends, 1, 'the place is given back once');
});

test('who has no time left talks until it is used up', async () => {
  const scene = await new Scene().start();
  scene.answers = [problem(403, { code: 'lease-over', detail: 'Over.', retryable: false })];
  scene.socket.offer('h1');
  await scene.pass(280_000);
  assert.deepEqual(scene.told, []);
  assert.equal(scene.connection.endsAt, 300_000);
  scene.connection.send('one more thing');
  assert.equal(scene.socket.sent.at(-1), 'one more thing');
  await scene.socket.ends(1011, 'auth token has expired');
  assert.deepEqual([scene.told, scene.error?.code], [['ended'], 'lease-over']);
});

test('a renewal that fails for a moment lets the conversation go on, and is tried again', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.answers = [problem(503, { code: 'temporarily-unavailable', retryable: true })];
  await scene.pass(280_000);
  scene.connection.send('heard all the same');
  assert.equal(scene.socket.sent.at(-1), 'heard all the same');
  scene.socket.offer('h2');
  await scene.pass(2000);
  assert.equal(scene.requests.at(-1).resumption_handle, 'h2');
});

test('a handle that is not known any more is dropped, and the page is told', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  await scene.pass(0);
  scene.socket.onopen?.({});
  await scene.socket.ends(1008, 'BidiGenerateContent session not found');
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

test('a token that goes back to an earlier handle is not used for a later one', async () => {
  const scene = await new Scene().start();
  scene.answers = [{ setup: { model: 'models/m', sessionResumption: { handle: 'h1' } } }];
  scene.socket.offer('h1');
  await scene.pass(280_000);
  await scene.sockets[0].ends(1000);
  await scene.socket.accept();
  scene.socket.offer('h2');
  scene.answers = [unreachable(), {}];
  await scene.socket.ends(1006);
  await scene.pass(0);
  assert.equal(scene.sockets.length, 2, 'what was said since would be forgotten');
  await scene.pass(500);
  await scene.socket.accept();
  assert.deepEqual(scene.requests.at(-1), { lease: 'lease', resumption_handle: 'h2' });
  assert.deepEqual(scene.told.at(-1), 'resumed');
});

test('a connection that ends with the service out of reach is left in order, and nothing of it is lost', async () => {
  const scene = await new Scene().start();
  scene.answers = [{ setup: { model: 'models/m', sessionResumption: { handle: 'h1' } } }, unreachable(), unreachable()];
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  await scene.pass(0);
  await scene.socket.accept();
  const [, old] = scene.sockets;
  old.receive({ goAway: { timeLeft: '3s' } });
  scene.connection.send('sent');
  await scene.pass(300);
  scene.connection.send('held');
  old.offer('h2');
  await settled();
  await scene.pass(0);
  scene.connection.send('while nobody is there');
  assert.ok(old.closing, 'before it is cut');
  assert.deepEqual(old.sent.slice(1), ['sent']);
  await old.ends(1000);
  await scene.pass(500);
  await scene.pass(1000);
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent.slice(1), ['held', 'while nobody is there']);
  assert.equal(scene.requests.at(-1).resumption_handle, 'h2');
});

test('a network that goes while a token is fetched takes the connection with it', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  /** @type {(error: LiveError) => void} */
  let fail = () => {};
  scene.answers = [new Promise((_, reject) => (fail = reject))];
  await scene.pass(280_000);
  await scene.goes('offline');
  fail(unreachable());
  await settled();
  scene.connection.send('held');
  assert.deepEqual(scene.socket.sent.slice(1), []);
  await scene.sockets[0].ends(1006);
  await scene.goes('online');
  await scene.pass(0);
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent.slice(1), ['held']);
});

test('a drop while a token is fetched is told at once, and the token resumes', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  /** @type {(grant: object) => void} */
  let grant = () => {};
  scene.answers = [new Promise((resolve) => (grant = resolve))];
  await scene.pass(280_000);
  await scene.socket.ends(1006);
  assert.deepEqual(scene.told, ['resuming']);
  scene.connection.send('held');
  grant({});
  await scene.pass(0);
  await scene.acceptWithHandle();
  assert.deepEqual([scene.socket.sent.slice(1), scene.requests.length], [['held'], 2]);
  assert.deepEqual(scene.told, ['resuming', 'resumed']);
});

test('a drop that nothing can help ends the conversation although a token is being fetched', async () => {
  const scene = await new Scene().start();
  scene.answers = [new Promise(() => {})];
  await scene.pass(296_000);
  assert.equal(scene.requests.length, 2);
  await scene.socket.ends(1011, 'You exceeded your current quota');
  assert.equal(scene.error?.code, 'quota-exhausted');
  assert.equal(scene.clock.waiting, 0);
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
  scene.socket.onopen?.({});
  await scene.socket.ends(1011, 'Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project and');
  await scene.pass(60_000);
  assert.deepEqual([scene.error?.code, scene.sockets.length], ['quota-exhausted', 2]);
});

test('a token answer that is cut off at a renewal is asked for again', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.answers = [new LiveError('token-answer-invalid', 'Cut off.', { retryable: true })];
  await scene.pass(280_000);
  await scene.pass(2000);
  await scene.sockets[0].ends(1000);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.told, ['resuming', 'renewed']);
});

test('hanging up during a renewal, at any await of it, opens no other socket', async () => {
  for (let hops = 0; hops < 30; hops += 1) {
    const scene = await new Scene().start();
    scene.socket.offer('h1');
    scene.clock.pass(280_000);
    scene.socket.onclose?.({ code: 1000, reason: '' });
    for (let hop = 0; hop < hops; hop += 1) await null;
    scene.ending.abort(new Error('hung up'));
    await scene.pass(60_000);
    assert.ok(scene.sockets.every(({ closing }, index) => closing || index === 0), `after ${hops} hops`);
    assert.deepEqual([scene.clock.waiting, scene.ends], [0, 1]);
  }
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
