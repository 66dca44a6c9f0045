import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Farewell } from '../../../web/live/farewell.js';
import { TestClock } from '../test-clock.js';

/** @typedef {import('../../../web/live/conversation.js').Observed} Observed */

/** @type {Observed} */
const SOUND = { kind: 'sound', samples: new Int16Array(1) };
/** @type {Observed} */
const COMPLETE = { kind: 'turn-complete' };
/** @type {Observed} */
const PLAYBACK = { kind: 'speaking' };
const WAITS = true;
const CONTINUES = false;

function scene() {
  const clock = new TestClock();
  const ending = new AbortController();
  /** @type {string[]} */
  const log = [];
  const now = { playing: false, talking: false };
  const farewell = new Farewell(
    { playing: () => now.playing, latency: () => 50, talking: () => now.talking, ended: () => void log.push('ended') },
    ending.signal,
    clock,
  );
  /** @param {...Observed} events */
  const receive = (...events) => {
    for (const event of events) {
      if (event.kind === 'voice-activity') now.talking = event.active;
      farewell.receive(event);
    }
  };
  const say = () => {
    now.playing = true;
    receive(SOUND, PLAYBACK);
  };
  const fallSilent = () => {
    now.playing = false;
    receive(PLAYBACK);
  };
  /** @param {boolean} waits */
  const call = (waits) => {
    farewell.call(waits).then(
      () => log.push('answered'),
      ({ message }) => log.push(message),
    );
  };
  /** @param {number} milliseconds */
  const pass = async (milliseconds) => {
    clock.pass(milliseconds);
    await Promise.resolve();
    await Promise.resolve();
    clock.pass(1);
  };
  return { clock, ending, log, receive, say, fallSilent, call, pass };
}

const WENT_ON = 'The user went on, so the conversation continues.';

test('a goodbye before a call that the model does not wait for is heard to its end', async () => {
  const { log, receive, say, fallSilent, call, pass } = scene();
  say();
  receive(COMPLETE);
  call(CONTINUES);
  await pass(60_000);
  assert.deepEqual(log, [], 'it is still being played');
  fallSilent();
  await pass(340);
  assert.deepEqual(log, []);
  await pass(9);
  assert.deepEqual(log, ['answered', 'ended'], 'answered at the end, so that the model does not answer that');
});

test('a goodbye after a call that the model does not wait for is waited for', async () => {
  const { log, receive, say, fallSilent, call, pass } = scene();
  receive(COMPLETE);
  call(CONTINUES);
  await pass(9000);
  assert.deepEqual(log, ['answered']);
  say();
  receive(COMPLETE);
  await pass(60_000);
  assert.deepEqual(log, ['answered']);
  fallSilent();
  await pass(350);
  assert.deepEqual(log, ['answered', 'ended']);
});

test('a goodbye that never comes is not waited for', async () => {
  const { log, call, pass } = scene();
  call(CONTINUES);
  await pass(10_350);
  assert.deepEqual(log, ['answered', 'ended']);
});

test('a model that waits for the answer says its goodbye after it', async () => {
  const { log, receive, say, fallSilent, call, pass } = scene();
  call(WAITS);
  await pass(1000);
  assert.deepEqual(log, ['answered']);
  say();
  fallSilent();
  await pass(1000);
  assert.deepEqual(log, ['answered'], 'a pause in the middle of the turn');
  say();
  receive(COMPLETE);
  fallSilent();
  await pass(350);
  assert.deepEqual(log, ['answered', 'ended']);
});

test('a goodbye that is only written ends with its turn', async () => {
  const { log, receive, call, pass } = scene();
  call(WAITS);
  receive({ kind: 'transcript', side: 'agent', text: 'Goodbye.' }, COMPLETE);
  await pass(350);
  assert.deepEqual(log, ['answered', 'ended']);
});

for (const [how, events] of /** @type {[string, Observed[]][]} */ ([
  ['interrupts', [{ kind: 'interrupted' }]],
  ['types', [{ kind: 'typed' }]],
  ['speaks', [{ kind: 'voice-activity', active: true }, { kind: 'transcript', side: 'user', text: 'Wait' }]],
])) {
  test(`the conversation continues if the person ${how}`, async () => {
    const { log, receive, say, fallSilent, call, pass } = scene();
    say();
    receive(COMPLETE);
    call(CONTINUES);
    receive(...events);
    fallSilent();
    await pass(60_000);
    assert.deepEqual(log, [WENT_ON]);
  });
}

test('a voice delays the end, and a noise does not prevent it', async () => {
  const { log, receive, say, fallSilent, call, pass } = scene();
  say();
  receive(COMPLETE);
  call(CONTINUES);
  fallSilent();
  receive({ kind: 'voice-activity', active: true });
  await pass(30_000);
  assert.deepEqual(log, []);
  receive({ kind: 'voice-activity', active: false });
  await pass(350);
  assert.deepEqual(log, ['answered', 'ended']);
});

test('the late transcript of what led to the goodbye does not prevent the end', async () => {
  const { log, receive, say, fallSilent, call, pass } = scene();
  say();
  receive(COMPLETE);
  call(CONTINUES);
  receive({ kind: 'transcript', side: 'user', text: 'Bye' });
  fallSilent();
  await pass(350);
  assert.deepEqual(log, ['answered', 'ended']);
});

test('a goodbye that was said before the person spoke again does not count', async () => {
  const { log, receive, say, fallSilent, call, pass } = scene();
  say();
  receive(COMPLETE);
  fallSilent();
  receive({ kind: 'transcript', side: 'user', text: 'Hang up.' });
  call(CONTINUES);
  await pass(1000);
  assert.deepEqual(log, ['answered'], 'the model may still say one');
});

test('a goodbye that a lost connection cuts off is not waited for', async () => {
  const { log, receive, say, fallSilent, call, pass } = scene();
  call(WAITS);
  say();
  fallSilent();
  receive({ kind: 'lost' });
  await pass(350);
  assert.deepEqual(log, ['answered', 'ended']);
});

test('sound that begins shortly before the end is heard too', async () => {
  const { log, receive, say, fallSilent, call, pass } = scene();
  say();
  receive(COMPLETE);
  call(CONTINUES);
  fallSilent();
  await pass(200);
  say();
  receive(COMPLETE);
  await pass(60_000);
  assert.deepEqual(log, []);
  fallSilent();
  await pass(350);
  assert.deepEqual(log, ['answered', 'ended']);
});

test('nothing is left to run after the end', () => {
  const { clock, ending, call } = scene();
  call(CONTINUES);
  assert.equal(clock.waiting, 1);
  ending.abort();
  assert.equal(clock.waiting, 0);
});
