import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textFrame } from '../../../../web/live/connection/protocol.js';
import { Scene } from './scene.js';

/** @typedef {import('./scene.js').Socket} Socket */

/** A socket whose path is dead: whatever is sent stays in it. @param {Socket} socket */
function stall(socket) {
  const { send } = socket;
  socket.send = (frame) => {
    socket.bufferedAmount += frame.length;
    send.call(socket, frame);
  };
}

for (const [life, connections] of [
  [3600, 1],
  [300, 3],
]) {
  test(`ten quiet minutes with tokens of ${life} s and one handle a connection are ${connections} connections`, async () => {
    const scene = new Scene();
    scene.life = life;
    await scene.start();
    scene.socket.offer('handle 1');
    await scene.listen(600_000);
    assert.equal(scene.sockets.length, connections);
    assert.equal(scene.requests.length, connections);
    const heard = scene.sockets.flatMap(({ sent }) => sent.slice(1));
    assert.deepEqual(heard, Array.from({ length: 30_000 }, (_, chunk) => `chunk at ${chunk * 20}`));
    assert.ok(scene.longestHeld <= 40, `held for ${scene.longestHeld} ms`);
    assert.deepEqual(scene.told, Array(connections - 1).fill(['resuming', 'renewed']).flat());
  });
}

test('silence of the server means nothing, with handles and without', async () => {
  for (const handles of [0, 1, 2]) {
    const scene = await new Scene().start();
    for (let handle = 0; handle < handles; handle += 1) scene.socket.offer(`h${handle}`);
    for (let second = 0; second < 270; second += 1) {
      scene.connection.send('chunk');
      await scene.pass(1000);
    }
    assert.deepEqual([scene.told, scene.sockets.length], [[], 1]);
  }
});

test('a path is left after eight seconds in which nothing of what is sent leaves', async () => {
  const scene = await new Scene().start();
  const [dead] = scene.sockets;
  dead.offer('h1');
  await scene.pass(60_000);
  stall(dead);
  for (let chunk = 0; chunk < 79; chunk += 1) {
    scene.connection.send('chunk');
    await scene.pass(100);
  }
  assert.deepEqual(scene.told, []);
  await scene.pass(100);
  assert.deepEqual(scene.told, ['resuming']);
  assert.ok(dead.closing);
  await scene.pass(2000);
  await scene.socket.accept();
  assert.deepEqual(scene.requests[1], { lease: 'lease', resumption_handle: 'h1' });
  assert.deepEqual(scene.told, ['resuming', 'resumed']);
});

test('a slow link is not a dead one, and neither is one on which something arrives', async () => {
  /** @type {((socket: Socket) => void)[]} */
  const signs = [(socket) => (socket.bufferedAmount -= 1), (socket) => socket.receive({})];
  for (const sign of signs) {
    const scene = await new Scene().start();
    stall(scene.socket);
    for (let second = 0; second < 120; second += 1) {
      scene.connection.send('chunk');
      if (second % 7 === 6) sign(scene.socket);
      await scene.pass(1000);
    }
    assert.deepEqual(scene.told, []);
    assert.ok(scene.socket.bufferedAmount > 400);
  }
});

test('a long answer that is still being played is not left', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.connection.send(textFrame('Tell me a story.'));
  scene.socket.receive({ serverContent: { outputTranscription: { text: 'Once upon a time' } } });
  scene.socket.receive({ serverContent: { generationComplete: true } });
  for (let second = 0; second < 120; second += 1) {
    scene.connection.send('chunk');
    await scene.pass(1000);
  }
  scene.socket.receive({ serverContent: { turnComplete: true } });
  assert.deepEqual([scene.told.includes('resuming'), scene.sockets.length], [false, 1]);
});

test('a path on which typed text is not answered is left, and what is said meanwhile is kept', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.pass(60_000);
  scene.connection.send(textFrame('Hello?'));
  await scene.pass(15_000);
  assert.deepEqual(scene.told, ['resuming']);
  scene.connection.send('held');
  await scene.sockets[0].ends(1006);
  await scene.pass(0);
  await scene.acceptWithHandle();
  assert.deepEqual(scene.requests[1], { lease: 'lease', resumption_handle: 'h1' });
  assert.deepEqual(scene.socket.sent.slice(1), ['held'], 'what was sent is not sent again');
  await scene.pass(120_000);
  assert.equal(scene.sockets.length, 2);
});

test('text that was held is due an answer from when it was sent', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.goes('offline');
  scene.connection.send(textFrame('Hello?'));
  await scene.pass(60_000);
  await scene.goes('online');
  await scene.sockets[0].ends(1006);
  await scene.acceptWithHandle();
  scene.socket.receive({ serverContent: { outputTranscription: { text: 'Hello' } } });
  await scene.pass(60_000);
  assert.deepEqual(scene.told, ['resuming', 'resumed', 'transcript']);
});

test('a path on which a voice is not noticed is left, where voices were', async () => {
  const scene = await new Scene().start();
  const [socket] = scene.sockets;
  socket.offer('h1');
  socket.receive({ voiceActivity: { type: 'ACTIVITY_START', audioOffset: '0.160s' } });
  socket.receive({ serverContent: { inputTranscription: { text: 'Hi' } } });
  socket.receive({ voiceActivity: { type: 'ACTIVITY_END', audioOffset: '1.2s' } });
  socket.receive({});
  for (let chunk = 0; chunk < 250; chunk += 1) {
    assert.ok(!scene.told.includes('resuming'));
    scene.connection.send('chunk');
    scene.connection.spoke(20);
    await scene.pass(20);
  }
  assert.equal(scene.told.at(-1), 'resuming');
});

test('the model owes no answer while the page owes it a result', async () => {
  const scene = await new Scene().start();
  scene.waits = true;
  scene.connection.send(textFrame('Hurry up!'));
  await scene.pass(120_000);
  assert.deepEqual(scene.told, []);
});

test('a path on which nothing waits has no timer of its own', async () => {
  const scene = await new Scene().start();
  const { waiting } = scene.clock;
  stall(scene.socket);
  scene.connection.send('chunk');
  assert.equal(scene.clock.waiting, waiting + 1);
  scene.socket.bufferedAmount = 0;
  await scene.pass(8000);
  assert.equal(scene.clock.waiting, waiting);
  assert.deepEqual(scene.told, []);
});

test('a path that dies after a goodbye is left by the announced end', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.socket.receive({ goAway: { timeLeft: '10s' } });
  for (let second = 0; second < 10; second += 1) await scene.pass(1000);
  assert.equal(scene.sockets.length, 2);
  await scene.socket.accept();
  assert.deepEqual(scene.told, ['resuming', 'renewed']);
});

test('a page that has slept lets its socket catch up before it takes the path for dead', async () => {
  const scene = await new Scene().start();
  stall(scene.socket);
  scene.connection.send('chunk');
  scene.clock.oversleep(60_000);
  await scene.pass(1000);
  assert.deepEqual(scene.told, []);
  scene.socket.receive({});
  await scene.pass(7900);
  assert.deepEqual(scene.told, []);
  await scene.pass(200);
  assert.deepEqual(scene.told, ['resuming']);
});
