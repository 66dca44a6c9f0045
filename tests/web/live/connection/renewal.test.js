import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveError } from '../../../../web/live/errors.js';
import { problem } from '../../../../web/live/connection/token-source.js';
import { Scene, settled, unreachable } from './scene.js';

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
