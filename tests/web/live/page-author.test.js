import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptedTransport } from '../../../web/live/scripted-transport.js';
import { LiveSession } from '../../../web/live/session.js';

const SILENTLY = { microphone: false, speaker: /** @type {const} */ (false) };
const AUDIO = { inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AAAA'.repeat(80) } };

/** @typedef {import('../../../web/live/session.js').SessionEvents} SessionEvents */

/** @param {import('../../../web/live/connection/token-source.js').Features} [features] */
async function live(features = {}) {
  const api = new ScriptedTransport({ grant: { features } });
  const session = new LiveSession({ token: api.token, transport: api.transport });
  await session.start(SILENTLY);
  api.sent.length = 0;
  return { api, session };
}

/** Waits until a condition holds, which what is loaded or received fulfils. @param {() => boolean} condition */
async function until(condition) {
  const end = performance.now() + 8000;
  while (!condition()) {
    assert.ok(performance.now() < end, `in time: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * @template {keyof SessionEvents} Type
 * @param {LiveSession} session
 * @param {Type} type
 */
function noted(session, type) {
  /** @type {SessionEvents[Type][]} */
  const details = [];
  session.on(type, (detail) => details.push(detail));
  return details;
}

const NOTE = { clientContent: { turns: [{ role: 'user', parts: [{ text: '[System note: order 1739]' }] }], turnComplete: false } };

test('context is sent without a turn of the person, and is in no transcript', async () => {
  const { api, session } = await live();
  session.sendContext('order 1739');
  await until(() => api.sent.length > 0);
  assert.deepEqual(api.sent, [NOTE]);
  assert.deepEqual(session.transcript, []);
  session.close();
});

test('context that is not sent yet goes with the text that is typed next', async () => {
  const { api, session } = await live();
  session.sendContext('order 1739');
  session.sendContext('order 1740');
  session.sendText('What is it?');
  assert.deepEqual(api.sent, [{ realtimeInput: { text: 'What is it?\n\n[System note: order 1739 order 1740]' } }]);
  assert.deepEqual(session.transcript.map(({ text }) => text), ['What is it?']);
  api.respond('An order.');
  await until(() => session.transcript.length === 2);
  session.sendText('And now?');
  assert.deepEqual(api.sent.at(-1), { realtimeInput: { text: 'And now?' } });
  session.close();
});

test('context that is known before the conversation is live comes first, with the greeting if there is one', async () => {
  for (const greeting of [undefined, 'Greet the caller.']) {
    const api = new ScriptedTransport({ grant: { features: { ...(greeting && { greeting }) } } });
    const session = new LiveSession({ token: api.token, transport: api.transport });
    const started = session.start(SILENTLY);
    session.sendContext('order 1739');
    await started;
    await until(() => api.sent.length > 1);
    const greeted = { realtimeInput: { text: 'Greet the caller.\n\n[System note: order 1739]' } };
    assert.deepEqual(api.sent.slice(1), [greeting ? greeted : NOTE]);
    session.close();
  }
});

test('a session that takes no content is told only with the next turn', async () => {
  const { api, session } = await live({ context: 'turn', transcripts: true });
  session.sendContext('order 1739');
  api.receive({ voiceActivity: { type: 'ACTIVITY_START' } });
  await until(() => api.sent.length > 0);
  assert.deepEqual(api.sent, [{ realtimeInput: { text: '[System note: order 1739]' } }]);
  session.close();
});

test('a fresh session is told what the page had the model know', async () => {
  const { api, session } = await live({ rebuild: 'content' });
  session.sendContext('order 1739');
  session.sendText('Hello');
  api.respond('Good morning.');
  const rebuilt = noted(session, 'rebuilt');
  api.close(1008, 'BidiGenerateContent session not found');
  await until(() => rebuilt.length > 0);
  const [{ clientContent }] = api.sent.slice(-1);
  assert.deepEqual(clientContent.turns[0], NOTE.clientContent.turns[0]);
  assert.equal(rebuilt[0].turns, 2, 'which is not a turn');
  session.close();
});

test('context is told again to a session that knows nothing of the last one', async () => {
  const { api, session } = await live();
  session.sendContext('order 1739');
  await until(() => api.sent.length > 0);
  const resumed = noted(session, 'resumed');
  api.close(1008, 'BidiGenerateContent session not found');
  await until(() => resumed.length > 0);
  assert.equal(resumed[0].contextLost, true);
  session.sendText('What is it?');
  assert.deepEqual(api.sent.at(-1), { realtimeInput: { text: 'What is it?\n\n[System note: order 1739]' } });
  session.close();
});

test('what needs a conversation says so', async () => {
  const { session } = await live();
  session.close();
  assert.throws(() => session.sendContext('order 1739'), { code: 'not-live' });
  await assert.rejects(session.sendImage(new Blob()), { code: 'not-live' });
  session.interrupt();
});

test('an image that cannot be read is refused with a sentence', async () => {
  const { session } = await live();
  await assert.rejects(session.sendImage(new Blob(['no'], { type: 'text/plain' })), { code: 'image-unreadable' });
  session.close();
});

test('an interrupted answer is silent at once, and what the server still sends of it is dropped', async () => {
  const { api, session } = await live();
  const interrupted = noted(session, 'interrupted');
  api.receive({ serverContent: { modelTurn: { parts: [AUDIO] }, outputTranscription: { text: 'One' } } });
  session.interrupt();
  assert.equal(interrupted.length, 1);
  assert.deepEqual(session.transcript.map(({ text, interrupted: cut }) => [text, cut]), [['One', true]]);
  await until(() => api.sent.length > 0);
  assert.equal(api.sent[0].clientContent.turnComplete, false);
  api.receive(
    { serverContent: { modelTurn: { parts: [AUDIO] }, outputTranscription: { text: ' two' } } },
    { serverContent: { interrupted: true } },
    { serverContent: { outputTranscription: { text: ' three' } } },
    { serverContent: { turnComplete: true } },
    { serverContent: { outputTranscription: { text: 'Next' }, turnComplete: true } },
  );
  assert.equal(interrupted.length, 1, 'told once');
  assert.deepEqual(session.transcript.map(({ text }) => text), ['One', 'Next']);
  session.close();
});

test('text that is typed at once takes the interruption along', async () => {
  const { api, session } = await live();
  api.receive({ serverContent: { outputTranscription: { text: 'One' } } });
  session.interrupt();
  session.sendText('Go on.');
  await import('../../../web/live/silent-input.js');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(api.sent, [{ realtimeInput: { text: 'Go on.\n\n[System note: the user stopped your answer before its end.]' } }]);
  session.close();
});

test('a server that does not stop is silenced until its turn is complete', async () => {
  const { api, session } = await live({ context: 'turn' });
  api.receive({ serverContent: { outputTranscription: { text: 'One' } } });
  session.interrupt();
  for (let i = 0; i < 5; i += 1) api.receive({ serverContent: { outputTranscription: { text: ' more' } } });
  api.receive({ serverContent: { turnComplete: true } }, { serverContent: { outputTranscription: { text: 'Next' } } });
  assert.deepEqual(session.transcript.map(({ text }) => text), ['One', 'Next']);
  session.close();
});

test('there is nothing to interrupt in silence', async () => {
  const { api, session } = await live();
  const interrupted = noted(session, 'interrupted');
  api.respond('All said.');
  session.interrupt();
  api.respond('Next.');
  assert.deepEqual(session.transcript.map(({ text }) => text), ['All said.', 'Next.']);
  assert.deepEqual([interrupted, api.sent], [[], []]);
  session.close();
});

test('the agent ends the conversation with a tool that is declared to do that', async () => {
  const { api, session } = await live({ tools: [{ name: 'hang_up', behavior: 'BLOCKING', ends: true }] });
  const states = noted(session, 'state');
  const progress = noted(session, 'tool');
  // The files that do it are loaded when the conversation is live.
  await import('../../../web/live/farewell.js');
  await new Promise((resolve) => setImmediate(resolve));
  api.receive({ toolCall: { functionCalls: [{ id: '1', name: 'hang_up', args: {} }] } });
  await until(() => api.sent.length > 0);
  assert.deepEqual(api.sent[0].toolResponse.functionResponses, [
    { id: '1', name: 'hang_up', response: { output: 'The conversation ends now.' } },
  ]);
  assert.equal(session.state, 'live');
  api.respond('Goodbye.');
  await until(() => states.length > 0);
  assert.deepEqual(states, [{ state: 'closed', previous: 'live', error: null }]);
  assert.deepEqual(progress.map(({ status }) => status), ['running', 'answered']);
});

test('a handler of such a tool may refuse, and then nothing ends', async () => {
  const { api, session } = await live({ tools: [{ name: 'hang_up', behavior: 'BLOCKING', ends: true }] });
  session.handleTool('hang_up', () => {
    throw new Error('Ask for a rating first.');
  });
  api.receive({ toolCall: { functionCalls: [{ id: '1', name: 'hang_up', args: {} }] } });
  await until(() => api.sent.length > 0);
  assert.deepEqual(api.sent[0].toolResponse.functionResponses[0].response, { error: 'Ask for a rating first.' });
  api.respond('How was it?');
  assert.equal(session.state, 'live');
  session.close();
});

test('a tool that ends the conversation needs no handler', async () => {
  const api = new ScriptedTransport({ grant: { features: { tools: [{ name: 'hang_up', ends: true }, { name: 'look_up' }] } } });
  const session = new LiveSession({ token: api.token, transport: api.transport });
  const tools = noted(session, 'tools');
  await session.start(SILENTLY);
  session.close();
  assert.deepEqual(tools, [{ missing: ['look_up'], surplus: [] }]);
});

test('a handler can be taken back, unless another has taken its place', async () => {
  const { api, session } = await live();
  const first = session.handleTool('f', () => 'first');
  const second = session.handleTool('f', () => 'second');
  const ask = async (/** @type {string} */ id) => {
    const before = api.sent.length;
    api.receive({ toolCall: { functionCalls: [{ id, name: 'f', args: {} }] } });
    await until(() => api.sent.length > before);
    return api.sent.at(-1).toolResponse.functionResponses[0].response;
  };
  first();
  assert.deepEqual(await ask('1'), { output: 'second' });
  second();
  assert.deepEqual(await ask('2'), { error: 'This page has no tool named f.' });
  session.close();
});

test("a handler's own schema is checked before it is called", async () => {
  const { api, session } = await live();
  session.handleTool('f', ({ number }) => number.toUpperCase(), {
    schema: { type: 'object', properties: { number: { type: 'string' } }, required: ['number'] },
  });
  api.receive(
    { toolCall: { functionCalls: [{ id: '1', name: 'f', args: {} }] } },
    { toolCall: { functionCalls: [{ id: '2', name: 'f', args: { number: 'a17' } }] } },
  );
  const answered = () => api.sent.flatMap(({ toolResponse }) => toolResponse.functionResponses);
  await until(() => answered().length > 1);
  const answers = Object.fromEntries(answered().map(({ id, response }) => [id, response]));
  assert.deepEqual(answers, { 1: { error: 'args.number is missing.' }, 2: { output: 'A17' } });
  session.close();
});

test('an event can be listened to until that is taken back', async () => {
  const { api, session } = await live();
  /** @type {string[]} */
  const heard = [];
  const off = session.on('transcript', ({ text }) => heard.push(text));
  session.sendText('One');
  off();
  session.sendText('Two');
  assert.deepEqual(heard, ['One']);
  assert.equal(api.sent.length, 2);
  session.close();
});

test('a component that comes late is told what was said, and of each change once', async () => {
  const { api, session } = await live();
  session.sendText('Hello');
  api.respond('Good morning.');
  const { subscribe, getSnapshot } = session;
  let changes = 0;
  const off = subscribe(() => (changes += 1));
  const seen = getSnapshot();
  assert.equal(getSnapshot(), seen, 'the same until there is a change');
  assert.deepEqual(seen.transcript.map(({ side, text, final }) => [side, text, final]), [['user', 'Hello', true], ['agent', 'Good morning.', true]]);
  assert.deepEqual([seen.state, seen.error, seen.muted, seen.volume, seen.voiced, seen.speaking, seen.video], ['live', null, false, 1, false, false, null]);
  api.receive({ usageMetadata: { totalTokenCount: 1 } });
  assert.equal(getSnapshot(), seen, 'nothing in it has changed');
  session.muted = true;
  assert.equal(changes, 1);
  assert.equal(getSnapshot().muted, true);
  assert.equal(getSnapshot().transcript, seen.transcript, 'the same array');
  session.volume = 0.5;
  assert.equal(getSnapshot().volume, 0.5);
  off();
  session.close();
  assert.equal(changes, 2);
  assert.deepEqual([getSnapshot().state, getSnapshot().transcript], ['closed', seen.transcript], 'kept after the end');
  await session.start(SILENTLY);
  assert.deepEqual(session.transcript, [], 'another conversation');
  session.close();
});

test('why a conversation ended is in the snapshot until the next one', async () => {
  const { api, session } = await live();
  const states = noted(session, 'state');
  api.close(1011, 'You exceeded your current quota');
  await until(() => session.state === 'closed');
  assert.equal(session.getSnapshot().error, states.at(-1)?.error);
  assert.equal(session.getSnapshot().error?.code, 'quota-exhausted');
  await session.start(SILENTLY);
  assert.equal(session.getSnapshot().error, null);
  session.close();
});

test('a signal ends the conversation, before it is live and after', async () => {
  const { api, session } = await live();
  session.close();
  const requests = api.requests.length;
  await assert.rejects(session.start({ ...SILENTLY, signal: AbortSignal.abort() }), { code: 'hung-up' });
  assert.equal(session.state, 'closed');
  const early = new AbortController();
  const starting = session.start({ ...SILENTLY, signal: early.signal });
  early.abort();
  await assert.rejects(starting, { code: 'hung-up' });
  assert.equal(api.requests.length, requests, 'no token is asked for');
  const late = new AbortController();
  await session.start({ ...SILENTLY, signal: late.signal });
  const states = noted(session, 'state');
  late.abort();
  assert.deepEqual(states, [{ state: 'closed', previous: 'live', error: null }]);
});

test('a signal of an earlier conversation does not end this one', async () => {
  const { session } = await live();
  session.close();
  const earlier = new AbortController();
  await session.start({ ...SILENTLY, signal: earlier.signal });
  session.close();
  await session.start(SILENTLY);
  earlier.abort();
  assert.equal(session.state, 'live');
  session.close();
});
