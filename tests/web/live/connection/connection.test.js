import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../../../web/live/connection/connection.js';

const GRANT = { token: 'auth_tokens/a+b', websocket_url: 'wss://voice.test/live', setup: { model: 'models/m' } };

/** A socket whose server is the test. */
class Socket {
  binaryType = 'blob';
  bufferedAmount = 0;
  /** @type {string[]} */
  sent = [];
  /** @type {number | null} */
  closedWith = null;
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: {data: string}) => void) | null} */
  onmessage = null;
  /** @type {((event: {code: number, reason: string}) => void) | null} */
  onclose = null;

  /** @param {string} frame */
  send(frame) {
    this.sent.push(frame);
  }

  /** @param {number} code */
  close(code) {
    this.closedWith = code;
  }

  /** @param {object} message */
  receive(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

/** @param {{resumes?: boolean, ending?: AbortController}} [options] */
function connect({ resumes, ending = new AbortController() } = {}) {
  const socket = new Socket();
  /** @type {string[]} */
  const addresses = [];
  /** @type {string[]} */
  const received = [];
  /** @type {(string | null)[]} */
  const ends = [];
  /** @type {Connection} */
  const connection = new Connection(
    GRANT,
    { receive: ({ kind }) => received.push(kind), ended: () => connection.ended.then((error) => ends.push(error && error.code)) },
    {
      signal: ending.signal,
      resumes,
      transport: (address) => {
        addresses.push(address);
        return /** @type {WebSocket} */ (/** @type {unknown} */ (socket));
      },
    },
  );
  return { connection, socket, addresses, received, ends };
}

test('the token goes into the address and the setup is the first frame', () => {
  const { connection, socket, addresses } = connect();
  assert.deepEqual(addresses, ['wss://voice.test/live?access_token=auth_tokens/a%2Bb']);
  assert.deepEqual(socket.sent, [], 'nothing before the socket is open');
  socket.onopen?.();
  assert.deepEqual(socket.sent, ['{"setup":{"model":"models/m"}}']);
  connection.ready.catch(() => {});
  connection.close();
});

test('a connection is ready with setupComplete, not when its socket opens', async () => {
  const { connection, socket } = connect();
  let live = false;
  connection.ready.then(() => (live = true));
  socket.onopen?.();
  await Promise.resolve();
  assert.equal(live, false);
  socket.receive({ setupComplete: {} });
  await connection.ready;
  assert.equal(live, true);
});

test('a close before setupComplete says why there is no conversation', async () => {
  const { connection, socket, ends } = connect();
  socket.onopen?.();
  socket.onclose?.({ code: 1011, reason: 'Token has been used too many times' });
  await assert.rejects(connection.ready, { code: 'token-ended' });
  assert.deepEqual(ends, []);
});

test('a normal close before setupComplete is an error too', async () => {
  const { connection, socket } = connect();
  socket.onclose?.({ code: 1000, reason: '' });
  await assert.rejects(connection.ready, { code: 'setup-unanswered' });
});

test('a server that never completes the setup times out', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { connection, socket } = connect();
  socket.onopen?.();
  context.mock.timers.tick(10_000);
  await assert.rejects(connection.ready, { code: 'setup-overdue', retryable: true });
  assert.equal(socket.closedWith, 1000);
});

test('events are passed on, and the end is reported once', async () => {
  const { connection, socket, received, ends } = connect();
  socket.receive({ setupComplete: {} });
  await connection.ready;
  socket.receive({ serverContent: { interrupted: true, turnComplete: true } });
  socket.onclose?.({ code: 1006, reason: '' });
  socket.onclose?.({ code: 1006, reason: '' });
  assert.deepEqual(received, ['interrupted', 'turn-complete']);
  await connection.ended;
  assert.deepEqual(ends, ['connection-lost']);
});

test('a close means what the connection was doing: resuming, being live, or leaving', async () => {
  const early = connect({ resumes: true });
  early.socket.onclose?.({ code: 1011, reason: 'Internal error encountered.' });
  await assert.rejects(early.connection.ready, { code: 'resume-refused' });
  const closes = { 1007: 'message-refused', 1008: 'conversation-refused' };
  for (const [code, live] of Object.entries(closes)) {
    for (const [messages, expected] of /** @type {[object[], string][]} */ ([
      [[], live],
      [[{ goAway: { timeLeft: '50s' } }], code === '1008' ? 'connection-ended' : live],
    ])) {
      const { connection, socket, ends } = connect();
      socket.receive({ setupComplete: {} });
      await connection.ready;
      for (const message of messages) socket.receive(message);
      socket.onclose?.({ code: Number(code), reason: '' });
      await connection.ended;
      assert.deepEqual(ends, [expected]);
    }
  }
});

test('an unreadable frame ends the conversation', async () => {
  const { connection, socket, ends } = connect();
  socket.receive({ setupComplete: {} });
  await connection.ready;
  socket.onmessage?.({ data: '{' });
  await connection.ended;
  assert.deepEqual(ends, ['protocol-violated']);
  assert.equal(socket.closedWith, 1000);
});

test('after a hang-up nothing is received', async () => {
  const { connection, socket, received, ends } = connect();
  const { onmessage } = socket;
  connection.close();
  await assert.rejects(connection.ready, { code: 'hung-up' });
  onmessage?.({ data: '{"serverContent":{"turnComplete":true}}' });
  assert.deepEqual([received, ends, socket.closedWith], [[], [], 1000]);
});

test('a connection is retired once the other side has agreed', async () => {
  const { connection, socket, ends } = connect();
  socket.receive({ setupComplete: {} });
  await connection.ready;
  let retired = false;
  const retiring = connection.retire().then(() => (retired = true));
  await Promise.resolve();
  assert.deepEqual([retired, socket.closedWith], [false, 1000]);
  socket.onclose?.({ code: 1000, reason: '' });
  await retiring;
  assert.deepEqual([retired, ends], [true, []]);
});

test('a connection that the server has closed is retired at once', async () => {
  const { connection, socket } = connect();
  socket.receive({ setupComplete: {} });
  await connection.ready;
  socket.onclose?.({ code: 1006, reason: '' });
  await connection.retire();
});

test('its signal closes it, in every state', async () => {
  const reason = new Error('hung up');
  for (const live of [false, true]) {
    const ending = new AbortController();
    const { connection, socket, ends } = connect({ ending });
    if (live) socket.receive({ setupComplete: {} });
    ending.abort(reason);
    socket.onopen?.();
    if (!live) await assert.rejects(connection.ready, reason);
    assert.deepEqual([await connection.ended, socket.closedWith, socket.sent, ends], [null, 1000, [], []]);
    await connection.retire();
  }
});

test('no socket is opened once its signal has aborted', () => {
  const reason = new Error('hung up');
  assert.throws(() => new Connection(GRANT, { receive() {} }, { signal: AbortSignal.abort(reason), transport: assert.fail }), reason);
});

test('an error of the page at setupComplete is what prevents the conversation', async () => {
  const socket = new Socket();
  const live = () => {
    throw new TypeError('a mistake');
  };
  const transport = () => /** @type {WebSocket} */ (/** @type {unknown} */ (socket));
  const connection = new Connection(GRANT, { live, receive() {} }, { signal: new AbortController().signal, transport });
  socket.receive({ setupComplete: {} });
  await assert.rejects(connection.ready, { code: 'page-fault' });
  assert.equal(socket.closedWith, 1000);
});
