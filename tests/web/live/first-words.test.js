import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptedTransport } from '../../../web/live/scripted-transport.js';
import { LiveSession } from '../../../web/live/session.js';
import { Outside, install } from './interleavings/browser.js';

/** Everything succeeds, once the test lets it happen. */
let outside = new Outside(() => 0);
install(() => outside);
const drained = () => new Promise((resolve) => setImmediate(resolve));

/** @param {object} message @returns {string} what it is, in one word */
const kind = (message) => {
  const [[name, content]] = Object.entries(message);
  return name === 'realtimeInput' ? Object.keys(content)[0] : name;
};

/**
 * A person who may speak, at a session that is still waiting for its token.
 * @param {object} [features]
 */
async function waiting(features = {}) {
  outside = new Outside(() => 0);
  const api = new ScriptedTransport({ grant: { features } });
  /** @type {(refusal?: Error) => void} */
  let settle = () => {};
  const token = (/** @type {object} */ request) =>
    /** @type {ReturnType<typeof api.token>} */ (
      new Promise((resolve, reject) => (settle = (refusal) => (refusal ? reject(refusal) : resolve(api.token(request)))))
    );
  const session = new LiveSession({ token, transport: api.transport });
  /** @type {string[]} */
  const told = [];
  session.addEventListener('listening', ({ detail: { listening } }) => told.push(`${listening} while ${session.state}`));
  const starting = session.start().catch(({ code }) => code);
  const open = async () => {
    for (let rounds = 0; rounds < 6; rounds += 1) {
      await drained();
      for (const event of [...outside.events]) event.happen();
    }
    await drained();
  };
  /** @param {number} chunks @param {boolean} [loud] */
  const speak = (chunks, loud = true) => {
    for (let chunk = 0; chunk < chunks; chunk += 1) outside.captures[0].capture(loud);
  };
  const grant = async (/** @type {Error} */ refusal) => {
    settle(refusal);
    return starting;
  };
  /** What was sent after the setup, with equal neighbours counted. */
  const sent = () =>
    api.sent.slice(1).map(kind).reduce((/** @type {[string, number][]} */ runs, each) => {
      if (runs.at(-1)?.[0] === each) runs[runs.length - 1][1] += 1;
      else runs.push([each, 1]);
      return runs;
    }, []);
  return { api, session, told, open, speak, grant: /** @type {(refusal?: Error) => Promise<unknown>} */ (grant), sent };
}

test('what is said while connecting is sent in order, and the page is told that it is heard', async () => {
  const { api, session, told, open, speak, grant, sent } = await waiting();
  await open();
  assert.deepEqual([session.listening, told], [false, []], 'not before the first sound');
  speak(3);
  session.sendText('typed');
  speak(2);
  assert.deepEqual([session.state, session.listening, told], ['connecting', true, ['true while connecting']]);
  assert.deepEqual(api.sent, []);
  await grant();
  speak(1);
  assert.deepEqual(sent(), [['audio', 3], ['text', 1], ['audio', 3]]);
  session.close();
  assert.deepEqual([session.listening, told], [false, ['true while connecting', 'false while live']]);
});

test('where the client marks turns, the mark comes before what was said', async () => {
  const { session, open, speak, grant, sent } = await waiting({ activity: 'manual' });
  await open();
  speak(3);
  session.muted = true;
  speak(4);
  session.muted = false;
  speak(2);
  await grant();
  assert.deepEqual(sent(), [['activityStart', 1], ['audio', 3], ['activityEnd', 1], ['activityStart', 1], ['audio', 2]]);
  session.close();
});

test('the server is told where a person paused who was muted while connecting', async () => {
  const { session, open, speak, grant, sent } = await waiting();
  await open();
  speak(3);
  session.muted = true;
  speak(4);
  await grant();
  speak(4);
  assert.deepEqual(sent(), [['audio', 3], ['audioStreamEnd', 1]], 'nothing is kept while muted');
  session.close();
});

test('a person who was muted before the start stays muted, also after another one', async () => {
  const { api, session, open, speak, grant } = await waiting({ activity: 'manual' });
  session.muted = true;
  await open();
  speak(4);
  await grant();
  speak(4);
  assert.deepEqual([session.muted, session.listening, api.sent.slice(1)], [true, false, []]);
  session.close();
  void session.start({ microphone: false });
  assert.equal(session.muted, true);
  session.close();
});

test('ten seconds are kept, and the oldest is dropped', async () => {
  const { session, open, speak, grant, sent } = await waiting({ activity: 'manual' });
  await open();
  speak(700);
  await grant();
  assert.deepEqual(sent(), [['activityStart', 1], ['audio', 500]]);
  session.close();
});

test('a refusal discards what was said', async () => {
  const { api, session, told, open, speak, grant } = await waiting();
  await open();
  speak(3);
  assert.equal(await grant(new TypeError('oops')), 'page-fault');
  assert.deepEqual([api.sent, session.listening, told.length], [[], false, 2]);
});

for (const [what, act, greets] of /** @type {[string, (scene: Awaited<ReturnType<typeof waiting>>) => void, boolean][]} */ ([
  ['nothing', ({ speak }) => speak(100, false), true],
  ['a click', ({ speak }) => speak(3), true],
  ['a word', ({ speak }) => speak(15), false],
  ['something typed', ({ session }) => session.sendText('Hello'), false],
])) {
  test(`after ${what} the agent ${greets ? 'greets' : 'answers instead of greeting'}`, async () => {
    const scene = await waiting({ greeting: 'Greet.' });
    await scene.open();
    act(scene);
    await scene.grant();
    assert.equal(scene.api.sent.some(({ realtimeInput }) => realtimeInput?.text === 'Greet.'), greets);
    scene.session.close();
  });
}
