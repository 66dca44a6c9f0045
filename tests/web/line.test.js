import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveError } from '../../web/live/errors.js';
import { Line } from '../../web/live/line.js';
import { Retries } from '../../web/live/retries.js';
import { TokenSource, problem } from '../../web/live/token-source.js';
import { TestClock } from './test-clock.js';

const GRANT = { websocket_url: 'wss://voice.test/live', setup: { model: 'models/m' }, expires_in: 300, lease: 'lease' };
const unreachable = () => new LiveError('token-service-unreachable', 'Out of reach.', { retryable: true });
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The far end of a socket. */
class Socket {
  bufferedAmount = 0;
  /** @type {any[]} */
  sent = [];
  closing = false;
  /** @type {((event: object) => void) | null} */
  onopen = null;
  /** @type {((event: object) => void) | null} */
  onmessage = null;
  /** @type {((event: object) => void) | null} */
  onclose = null;
  #took;

  /** @param {(frame: string) => void} took */
  constructor(took) {
    this.#took = took;
  }

  /** @param {string} frame */
  send(frame) {
    this.#took(frame);
    this.sent.push(frame.startsWith('{"setup"') ? JSON.parse(frame) : frame);
  }

  close() {
    this.closing = true;
  }

  /** @param {object} message */
  receive(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** @param {string | null} handle */
  offer(handle) {
    this.receive({ sessionResumptionUpdate: handle ? { newHandle: handle, resumable: true } : { resumable: false } });
  }

  /** @param {number} code @param {string} [reason] */
  async ends(code, reason = '') {
    this.onclose?.({ code, reason });
    await settled();
  }

  async accept() {
    this.onopen?.({});
    this.receive({ setupComplete: {} });
    await settled();
  }
}

/** A line to a service and an API that do as the test says. */
class Scene {
  clock = new TestClock();
  /** @type {Socket[]} */
  sockets = [];
  /** @type {any[]} */
  orders = [];
  /** @type {(LiveError | object)[]} what `POST /token` answers next, instead of a grant */
  answers = [];
  /** @type {string[]} */
  told = [];
  /** @type {LiveError | null | undefined} */
  error;
  ends = 0;
  /** The longest time from a chunk of the microphone to the socket, in milliseconds. */
  longestHeld = 0;
  /** Of tokens, in seconds. */
  life = GRANT.expires_in;
  ending = new AbortController();
  online = true;
  network = new EventTarget();

  constructor() {
    const tokens = new TokenSource(
      async (order) => {
        this.orders.push(order);
        const answer = (await this.answers.shift()) ?? {};
        if (answer instanceof LiveError) throw answer;
        return { ...GRANT, token: `auth_tokens/${this.orders.length}`, expires_in: this.life, end: () => (this.ends += 1), ...answer };
      },
      { clock: this.clock.now },
    );
    this.line = new Line(
      tokens,
      {
        hear: ({ kind }) => this.told.push(kind),
        preface: () => [],
        resuming: () => this.told.push('resuming'),
        resumed: ({ planned, contextLost }) =>
          this.told.push(`${planned ? 'renewed' : 'resumed'}${contextLost ? ', context lost' : ''}`),
        ended: (error) => {
          this.told.push('ended');
          this.error = error;
          this.ending.abort(error);
        },
      },
      {
        signal: this.ending.signal,
        clock: this.clock,
        retries: new Retries(() => 0.5),
        network: {
          online: () => this.online,
          on: (type, listener, signal) => this.network.addEventListener(type, listener, { signal }),
        },
        transport: () => {
          const socket = new Socket((frame) => {
            const [, at] = frame.match(/^chunk at (\d+)/) ?? [];
            if (at !== undefined) this.longestHeld = Math.max(this.longestHeld, this.clock.now() - Number(at));
          });
          this.sockets.push(socket);
          return /** @type {WebSocket} */ (/** @type {unknown} */ (socket));
        },
      },
    );
  }

  get socket() {
    return /** @type {Socket} */ (this.sockets.at(-1));
  }

  async start() {
    await this.line.obtain({ profile: 'p' });
    const opened = this.line.open();
    await this.socket.accept();
    await opened;
    return this;
  }

  /** @param {number} milliseconds in which the server says nothing */
  async pass(milliseconds) {
    this.clock.pass(milliseconds);
    await settled();
  }

  /**
   * A quiet room: the microphone sends 50 chunks a second, and the model has nothing to answer. Each new connection is
   * accepted and given its one handle, as by gemini-3.8-live.
   * @param {number} milliseconds
   */
  async listen(milliseconds) {
    for (let passed = 0; passed < milliseconds; passed += 20) {
      this.line.say(`chunk at ${this.clock.now()}`);
      this.clock.pass(20);
      await settled();
      if (this.told.at(-1) !== 'resuming') continue;
      const { closing, sent } = this.socket;
      if (closing) await this.socket.ends(1000);
      if (sent.length === 0) await this.acceptWithHandle();
    }
  }

  async acceptWithHandle() {
    await this.socket.accept();
    this.socket.offer(`handle ${this.sockets.length}`);
  }

  /** @param {'online' | 'offline'} type */
  async goes(type) {
    this.online = type === 'online';
    this.network.dispatchEvent(new Event(type));
    await settled();
  }
}

test('a renewal mints by lease and handle, waits for the old socket, and then says what was held', async () => {
  const scene = await new Scene().start();
  const [old] = scene.sockets;
  old.offer('h0');
  await scene.pass(1200);
  old.offer('h1');
  await scene.pass(278_700);
  scene.line.say('before');
  await scene.pass(100);
  scene.line.say('held 1');
  old.offer('h2');
  await settled();
  assert.deepEqual(scene.orders[1], { lease: 'lease', resumption_handle: 'h2' });
  assert.deepEqual(old.sent.slice(1), ['before']);
  assert.ok(old.closing);
  assert.equal(scene.sockets.length, 1, 'not before the old one is closed');
  scene.line.say('held 2');
  await old.ends(1000);
  assert.equal(scene.sockets.length, 2);
  await scene.socket.accept();
  scene.line.say('after');
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
  scene.line.say('sent');
  await scene.socket.ends(1006);
  scene.line.say('held');
  await scene.pass(0);
  assert.deepEqual(scene.orders[1], { lease: 'lease', resumption_handle: 'h1' });
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent.slice(1), ['held']);
  assert.deepEqual(scene.told, ['resuming', 'resumed']);
});

test('offline, nothing is sent; online, the conversation goes on', async () => {
  const scene = await new Scene().start();
  const [old] = scene.sockets;
  old.offer('h1');
  await scene.goes('offline');
  scene.line.say('held');
  await scene.pass(60_000);
  assert.equal(scene.orders.length, 1);
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
  assert.equal(scene.orders.length, 1 + 9);
  assert.equal(scene.error?.code, 'token-service-unreachable');
});

for (const [reason, as] of [
  ['Request contains an invalid argument.', 'setup-refused'],
  ['User location is not supported for the API use.', 'location-unsupported'],
]) {
  test(`a 1007 (${as}) is the end`, async () => {
    const scene = await new Scene().start();
    await scene.socket.ends(1007, reason);
    await scene.pass(60_000);
    assert.equal(scene.orders.length, 1);
    assert.equal(scene.error?.code, as);
  });
}

test('a polite close is the end, without an error', async () => {
  const scene = await new Scene().start();
  await scene.socket.ends(1000);
  assert.deepEqual([scene.told, scene.error], [['ended'], null]);
});

test('a blocked person is told so at the renewal, and not asked for again', async () => {
  const scene = await new Scene().start();
  scene.answers = [problem(403, { code: 'blocked', detail: 'Switched off.', retryable: false })];
  await scene.pass(283_000);
  await scene.pass(20_000);
  assert.deepEqual([scene.error?.code, scene.error?.message], ['blocked', 'Switched off.']);
  assert.equal(scene.orders.length, 2);
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
  assert.equal(scene.line.endsAt, 300_000);
  scene.line.say('one more thing');
  assert.equal(scene.socket.sent.at(-1), 'one more thing');
  await scene.socket.ends(1011, 'auth token has expired');
  assert.deepEqual([scene.told, scene.error?.code], [['ended'], 'lease-over']);
});

test('a renewal that fails for a moment lets the conversation go on, and is tried again', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  scene.answers = [problem(503, { code: 'temporarily-unavailable', retryable: true })];
  await scene.pass(280_000);
  scene.line.say('heard all the same');
  assert.equal(scene.socket.sent.at(-1), 'heard all the same');
  scene.socket.offer('h2');
  await scene.pass(2000);
  assert.equal(scene.orders.at(-1).resumption_handle, 'h2');
});

test('a handle that is not known any more is dropped, and the page is told', async () => {
  const scene = await new Scene().start();
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  await scene.pass(0);
  scene.socket.onopen?.({});
  await scene.socket.ends(1008, 'BidiGenerateContent session not found');
  await scene.pass(500);
  assert.deepEqual(scene.orders.slice(1), [{ lease: 'lease', resumption_handle: 'h1' }, { lease: 'lease' }]);
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
  assert.deepEqual(scene.orders.at(-1), { lease: 'lease' });
});

test("another's backend, which knows no leases, is asked anew, and the setup says what to resume", async () => {
  const scene = new Scene();
  scene.answers = [{ lease: undefined }, { lease: undefined }];
  await scene.start();
  scene.socket.offer('h1');
  await scene.socket.ends(1006);
  await scene.pass(0);
  assert.deepEqual(scene.orders, [{ profile: 'p' }, { profile: 'p' }]);
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
  assert.deepEqual(scene.orders.at(-1), { lease: 'lease', resumption_handle: 'h2' });
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
  scene.line.say('sent');
  await scene.pass(300);
  scene.line.say('held');
  old.offer('h2');
  await settled();
  await scene.pass(0);
  scene.line.say('while nobody is there');
  assert.ok(old.closing, 'before it is cut');
  assert.deepEqual(old.sent.slice(1), ['sent']);
  await old.ends(1000);
  await scene.pass(500);
  await scene.pass(1000);
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent.slice(1), ['held', 'while nobody is there']);
  assert.equal(scene.orders.at(-1).resumption_handle, 'h2');
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
  scene.line.say('held');
  assert.deepEqual(scene.socket.sent.slice(1), []);
  await scene.sockets[0].ends(1006);
  await scene.goes('online');
  await scene.pass(0);
  await scene.socket.accept();
  assert.deepEqual(scene.socket.sent.slice(1), ['held']);
});

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
    assert.equal(scene.orders.length, connections);
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
      scene.line.say('chunk');
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
    scene.line.say('chunk');
    await scene.pass(100);
  }
  assert.deepEqual(scene.told, []);
  await scene.pass(100);
  assert.deepEqual(scene.told, ['resuming']);
  assert.ok(dead.closing);
  await scene.pass(2000);
  await scene.socket.accept();
  assert.deepEqual(scene.orders[1], { lease: 'lease', resumption_handle: 'h1' });
  assert.deepEqual(scene.told, ['resuming', 'resumed']);
});

test('a slow link is not a dead one, and neither is one on which something arrives', async () => {
  /** @type {((socket: Socket) => void)[]} */
  const signs = [(socket) => (socket.bufferedAmount -= 1), (socket) => socket.receive({})];
  for (const sign of signs) {
    const scene = await new Scene().start();
    stall(scene.socket);
    for (let second = 0; second < 120; second += 1) {
      scene.line.say('chunk');
      if (second % 7 === 6) sign(scene.socket);
      await scene.pass(1000);
    }
    assert.deepEqual(scene.told, []);
    assert.ok(scene.socket.bufferedAmount > 400);
  }
});

test('a path on which nothing waits has no timer of its own', async () => {
  const scene = await new Scene().start();
  const { waiting } = scene.clock;
  stall(scene.socket);
  scene.line.say('chunk');
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
  scene.line.say('chunk');
  scene.clock.oversleep(60_000);
  await scene.pass(1000);
  assert.deepEqual(scene.told, []);
  scene.socket.receive({});
  await scene.pass(7900);
  assert.deepEqual(scene.told, []);
  await scene.pass(200);
  assert.deepEqual(scene.told, ['resuming']);
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
