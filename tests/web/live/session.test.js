import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptedTransport } from '../../../web/live/scripted-transport.js';
import { LiveSession } from '../../../web/live/session.js';

const SILENTLY = { microphone: false, speaker: /** @type {const} */ (false) };
/** Half a second of a tone's worth of bytes. */
const SOUND = { inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AAAA'.repeat(8000) } };

/** @typedef {import('../../../web/live/session.js').SessionEvents} SessionEvents */

/** @param {ConstructorParameters<typeof ScriptedTransport>[0]} [script] */
function scripted(script) {
  const api = new ScriptedTransport(script);
  const session = new LiveSession({ token: api.token, transport: api.transport });
  return { api, session };
}

/**
 * @template {keyof SessionEvents} Type
 * @param {LiveSession} session
 * @param {Type} type
 * @returns {SessionEvents[Type][]} every detail from now on
 */
function noted(session, type) {
  /** @type {SessionEvents[Type][]} */
  const details = [];
  session.addEventListener(type, ({ detail }) => void details.push(detail));
  return details;
}

/**
 * @template {keyof SessionEvents} Type
 * @param {LiveSession} session
 * @param {Type} type
 * @param {(detail: SessionEvents[Type]) => boolean} [fits]
 * @returns {Promise<SessionEvents[Type]>} the next that fits
 */
function next(session, type, fits = () => true) {
  return new Promise((resolve) => {
    session.addEventListener(type, ({ detail }) => fits(detail) && resolve(detail));
  });
}

test('a conversation can be started, ended and started again', async () => {
  const { api, session } = scripted();
  const states = noted(session, 'state');
  await session.start(SILENTLY);
  session.sendText('Good morning');
  assert.deepEqual(api.sent, [{ setup: { model: 'models/scripted' } }, { realtimeInput: { text: 'Good morning' } }]);
  session.close();
  await session.start({ ...SILENTLY, profile: 'tour', options: { voice: 'Kore' } });
  assert.deepEqual(api.requests, [{ profile: undefined, options: undefined }, { profile: 'tour', options: { voice: 'Kore' } }]);
  session.close();
  assert.deepEqual(
    states.map(({ state, previous, error }) => [previous, state, error]),
    [
      ['idle', 'connecting', null],
      ['connecting', 'live', null],
      ['live', 'closed', null],
      ['closed', 'connecting', null],
      ['connecting', 'live', null],
      ['live', 'closed', null],
    ],
  );
});

test('starting, closing and starting again in one task mints one token', async () => {
  const { api, session } = scripted();
  const first = session.start(SILENTLY);
  session.close();
  await session.start(SILENTLY);
  await assert.rejects(first, { code: 'hung-up', retryable: true });
  assert.equal(session.state, 'live');
  assert.equal(api.requests.length, 1);
  assert.equal(api.connections, 1);
});

test('a page may leave the error of a start to the state event', async () => {
  const session = new LiveSession({ token: () => Promise.reject(new TypeError('oops')) });
  const closed = next(session, 'state', ({ state }) => state === 'closed');
  void session.start(SILENTLY);
  assert.equal((await closed).error?.code, 'page-fault');
  // A rejection without a handler would fail this test.
  await new Promise((resolve) => setImmediate(resolve));
});

test('closing from the live event leaves nothing behind', async () => {
  const { api, session } = scripted({ grant: { features: { greeting: 'Greet.', idle_stop: 0.01 } } });
  session.addEventListener('state', ({ detail: { state } }) => state === 'live' && session.close());
  const states = noted(session, 'state');
  await assert.rejects(session.start(SILENTLY), { code: 'hung-up' });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual([session.state, states.map(({ error }) => error)], ['closed', [null, null, null]]);
  assert.deepEqual(api.sent.filter(({ setup }) => !setup), []);
});

test('closing from the closed event closes once', async () => {
  const { session } = scripted();
  await session.start(SILENTLY);
  session.addEventListener('transcript', ({ detail }) => detail.final && session.close());
  const states = noted(session, 'state');
  session.sendText('That is all');
  assert.deepEqual(states.map(({ state }) => state), ['closed']);
});

test('transcripts are grouped into utterances by turn and side', async () => {
  const { api, session } = scripted();
  await session.start(SILENTLY);
  const said = noted(session, 'transcript');
  api.receive(
    { serverContent: { inputTranscription: { text: 'Hello' } } },
    { serverContent: { modelTurn: { parts: [{ text: 'I should be polite.', thought: true }] } } },
    { serverContent: { outputTranscription: { text: 'Good' } } },
    { serverContent: { outputTranscription: { text: ' morning' }, turnComplete: true } },
  );
  api.respond('Anything else?');
  assert.deepEqual(
    said.filter(({ final }) => final).map(({ turn, side, text, typed }) => [turn, side, text, typed]),
    [
      [0, 'user', 'Hello', false],
      [0, 'agent', 'Good morning', false],
      [1, 'agent', 'Anything else?', false],
    ],
  );
  assert.ok(said.every(({ text }) => !text.includes('polite')), 'thoughts are not transcribed');
});

test('the rest of an interrupted turn is dropped', async () => {
  const { api, session } = scripted();
  await session.start(SILENTLY);
  const said = noted(session, 'transcript');
  const interrupted = noted(session, 'interrupted');
  const sources = noted(session, 'sources');
  api.receive(
    { serverContent: { outputTranscription: { text: 'One' } } },
    { serverContent: { interrupted: true } },
    { serverContent: { outputTranscription: { text: ' two' }, groundingMetadata: { webSearchQueries: ['numbers'] } } },
    { serverContent: { turnComplete: true } },
    { serverContent: { outputTranscription: { text: 'Three' } } },
  );
  assert.deepEqual(said.map(({ text, interrupted: cut }) => [text, cut]), [['One', false], ['One', true], ['Three', false]]);
  assert.equal(interrupted.length, 1);
  assert.equal(sources.length, 0);
});

for (const [sign, message] of /** @type {[string, object][]} */ ([
  ['a call of a tool', { toolCall: { functionCalls: [{ id: '1', name: 'f', args: {} }] } }],
  ['an answer that came to its end', { serverContent: { generationComplete: true } }],
])) {
  test(`an interrupted turn without turnComplete ends at ${sign}`, async () => {
    const { api, session } = scripted();
    await session.start(SILENTLY);
    const said = noted(session, 'transcript');
    api.receive({ serverContent: { interrupted: true } }, message, { serverContent: { outputTranscription: { text: 'Next' } } });
    assert.deepEqual(said.map(({ text }) => text), ['Next']);
    session.close();
  });
}

test('sources are kept by turn, each once', async () => {
  const { api, session } = scripted();
  await session.start(SILENTLY);
  const told = noted(session, 'sources');
  const grounding = (/** @type {string} */ query, /** @type {string[]} */ ...addresses) => ({
    serverContent: {
      groundingMetadata: {
        webSearchQueries: [query],
        groundingChunks: addresses.map((uri) => ({ web: { uri, title: uri.slice(8) } })),
      },
    },
  });
  api.receive(grounding('tides', 'https://a.test'), grounding('tides', 'https://a.test', 'https://b.test'));
  api.receive({ serverContent: { turnComplete: true } }, grounding('moon', 'https://c.test'));
  while (told.length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told.at(1), {
    turn: 0,
    queries: ['tides'],
    sources: [
      { title: 'a.test', url: 'https://a.test' },
      { title: 'b.test', url: 'https://b.test' },
    ],
  });
  assert.deepEqual(told.at(2), { turn: 1, queries: ['moon'], sources: [{ title: 'c.test', url: 'https://c.test' }] });
});

test('usage is reported by turn and in total, over all connections', async () => {
  const { api, session } = scripted();
  await session.start(SILENTLY);
  const told = noted(session, 'usage');
  const usage = (/** @type {number} */ promptTokenCount, /** @type {number} */ responseTokenCount) => ({
    serverContent: { outputTranscription: { text: 'word' }, turnComplete: true },
    usageMetadata: { promptTokenCount, responseTokenCount, totalTokenCount: promptTokenCount + responseTokenCount },
  });
  api.receive(usage(100, 20), { sessionResumptionUpdate: { newHandle: 'h', resumable: true } });
  api.close();
  await next(session, 'resumed');
  api.receive(usage(120, 30));
  const [, second] = told;
  assert.equal(second.turn.prompt, 120);
  assert.equal(second.turn.total, 150);
  assert.equal(second.total.prompt, 220);
  assert.equal(second.total.response, 50);
  assert.equal(second.total.total, 270);
  session.close();
});

test('timings are reported as soon as they are known', async () => {
  const { api, session } = scripted();
  const told = noted(session, 'timing');
  await session.start(SILENTLY);
  session.sendText('Hello?');
  api.receive({ serverContent: { modelTurn: { parts: [SOUND, SOUND] } } });
  api.receive({ serverContent: { turnComplete: true } }, { serverContent: { modelTurn: { parts: [SOUND] } } });
  api.close();
  await next(session, 'resumed');
  assert.deepEqual(
    told.map(({ name }) => name),
    ['mint', 'open', 'setup', 'live', 'first-sound', 'mint', 'open', 'setup', 'resume'],
    'an answer that nobody asked for has no first sound to wait for',
  );
  assert.ok(told.every(({ milliseconds }) => milliseconds >= 0));
  session.close();
});

test('the greeting is sent once, when live', async () => {
  const { api, session } = scripted({ grant: { features: { greeting: 'Greet the caller.' } } });
  await session.start(SILENTLY);
  api.close();
  await next(session, 'resumed');
  const texts = api.sent.filter(({ realtimeInput }) => realtimeInput);
  assert.deepEqual(texts, [{ realtimeInput: { text: 'Greet the caller.' } }]);
  session.close();
});

test('a conversation without sound cannot choose sound devices', async () => {
  const { session } = scripted();
  await session.start(SILENTLY);
  await assert.rejects(session.useMicrophone('a'), { code: 'sound-off' });
  await assert.rejects(session.useSpeaker('a'), { code: 'sound-off' });
  session.close();
  await assert.rejects(session.useSpeaker('a'), { code: 'not-live' });
});

test('silence on both sides ends the conversation with a message', async () => {
  const { session } = scripted({ grant: { features: { idle_stop: 0.05 } } });
  await session.start(SILENTLY);
  const { error } = await next(session, 'state', ({ state }) => state === 'closed');
  assert.equal(error?.code, 'idle');
  assert.equal(error.retryable, true);
  assert.match(error.message, /^The conversation ended because nobody spoke/);
});

test('the idle timer does not run while a tool is running', async () => {
  const { api, session } = scripted({
    grant: { features: { idle_stop: 0.02, tools: [{ name: 'look_up', behavior: 'BLOCKING' }] } },
    answer: ({ toolResponse }) => toolResponse && { serverContent: { turnComplete: true } },
  });
  session.handleTool('look_up', () => new Promise((resolve) => setTimeout(() => resolve('found'), 200)));
  await session.start(SILENTLY);
  const ends = next(session, 'state', ({ state }) => state === 'closed');
  api.receive({ toolCall: { functionCalls: [{ id: '1', name: 'look_up', args: {} }] } });
  await ends;
  assert.deepEqual(api.sent.at(-1).toolResponse.functionResponses, [{ id: '1', name: 'look_up', response: { output: 'found' } }]);
});

test('the idle timer does not run while the model works on after its turn', async () => {
  const { api, session } = scripted({ grant: { features: { idle_stop: 0.02 } } });
  await session.start(SILENTLY);
  const ends = next(session, 'state', ({ state }) => state === 'closed');
  api.receive({ serverContent: { turnComplete: true, interactionStatus: 'IN_PROGRESS' } });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(session.state, 'live');
  api.receive({ serverContent: { turnComplete: true, interactionStatus: 'IDLE' } });
  assert.equal((await ends).error?.code, 'idle');
});

test('a session that is lost works on nothing', async () => {
  const { api, session } = scripted();
  await session.start(SILENTLY);
  const told = noted(session, 'working');
  api.receive({ interactionStatus: 'IN_PROGRESS' });
  const resumed = next(session, 'resumed');
  api.close();
  assert.equal((await resumed).contextLost, true);
  assert.deepEqual(told, [{ working: true }, { working: false }]);
  session.close();
});

test('what a page or its token source gives of another type starts a conversation all the same', async () => {
  for (const strange of /** @type {any[]} */ ([null, 7, 'x', [], [null], {}, Infinity, NaN])) {
    const features = { idle_stop: strange, greeting: strange, tools: strange, modalities: strange, transcripts: strange };
    for (const grant of [{ features, expires_in: strange, lease_expires_in: strange, locked: strange }, { features: strange, locked: { tools: strange } }]) {
      const { api, session } = scripted({ grant });
      session.handleTool('f', () => 1, strange);
      await session.start(SILENTLY);
      session.sendText(strange);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(session.state, 'live');
      assert.ok(api.sent.every(({ realtimeInput }) => realtimeInput === undefined || typeof realtimeInput.text === 'string'));
      session.close();
    }
  }
  const { session } = scripted({ grant: { end: /** @type {any} */ (7) } });
  for (const strange of /** @type {any[]} */ ([NaN, 'x', {}, undefined])) session.volume = strange;
  assert.equal(session.volume, 1);
  await session.start(SILENTLY);
  session.close();
  const starting = session.start(/** @type {any} */ (null));
  session.close();
  await assert.rejects(starting, { name: 'LiveError' });
});

for (const ready of ['before the next connection', 'on the next connection']) {
  test(`a call that is pending when the connection ends is answered by its id: ${ready}`, async () => {
    const { api, session } = scripted();
    /** @type {(value: string) => void} */
    let finish = () => {};
    /** @type {AbortSignal | undefined} */
    let told;
    session.handleTool('book', (_, { signal }) => {
      told = signal;
      return new Promise((resolve) => (finish = resolve));
    });
    await session.start(SILENTLY);
    api.receive(
      { sessionResumptionUpdate: { newHandle: 'h', resumable: true } },
      { toolCall: { functionCalls: [{ id: 'call_465566', name: 'book', args: {} }] } },
    );
    await Promise.resolve();
    const progress = noted(session, 'tool');
    const resumed = next(session, 'resumed');
    api.close();
    assert.equal(session.state, 'resuming');
    if (ready === 'before the next connection') finish('booked');
    await resumed;
    const answers = next(session, 'tool', ({ status }) => status === 'answered');
    if (ready === 'on the next connection') {
      finish('booked');
      await answers;
    }
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(told?.aborted, false);
    assert.deepEqual(progress.map(({ status }) => status), ['answered']);
    assert.equal(api.connections, 2);
    assert.deepEqual(api.sent.slice(2), [
      { toolResponse: { functionResponses: [{ id: 'call_465566', name: 'book', response: { output: 'booked' } }] } },
    ]);
    session.close();
  });
}

test('only a cancellation, or the end of the conversation, cancels a call', async () => {
  const { api, session } = scripted();
  session.handleTool('wait', () => new Promise(() => {}));
  await session.start(SILENTLY);
  const progress = noted(session, 'tool');
  const call = (/** @type {string} */ id) => ({ toolCall: { functionCalls: [{ id, name: 'wait', args: {} }] } });
  api.receive({ sessionResumptionUpdate: { newHandle: 'h', resumable: true } }, call('1'), call('2'));
  api.close();
  await next(session, 'resumed');
  const cancelled = next(session, 'tool', ({ status }) => status === 'cancelled');
  api.receive({ toolCallCancellation: { ids: ['1'] } });
  assert.equal((await cancelled).id, '1');
  const last = next(session, 'tool', ({ status }) => status === 'cancelled');
  session.close();
  assert.equal((await last).id, '2');
  assert.deepEqual(progress.map(({ id, status }) => `${id} ${status}`), ['1 running', '2 running', '1 cancelled', '2 cancelled']);
});

test('a session that is lost is rebuilt: the next one is told what was said and what became of the calls', async () => {
  const { api, session } = scripted({
    grant: { lease: 'l', features: { rebuild: 'content', tools: [{ name: 'book', behavior: 'NON_BLOCKING' }] } },
  });
  /** @type {(value: string) => void} */
  let finish = () => {};
  let runs = 0;
  session.handleTool('book', () => {
    runs += 1;
    return new Promise((resolve) => (finish = resolve));
  });
  await session.start(SILENTLY);
  const resumed = noted(session, 'resumed');
  const said = noted(session, 'transcript');
  const times = noted(session, 'timing');
  session.sendText('My number is 4711. Book a table.');
  api.receive(
    { toolCall: { functionCalls: [{ id: '1', name: 'book', args: { seats: 2 } }] } },
    { serverContent: { outputTranscription: { text: 'I am booking' } } },
  );
  await new Promise((resolve) => setImmediate(resolve));
  api.sent.length = 0;
  const rebuilt = next(session, 'rebuilt');
  api.close();
  session.sendText('Are you there?');
  const { planned, gap, turns } = await rebuilt;
  assert.deepEqual([planned, turns, resumed, api.requests[1]], [false, 2, [], { lease: 'l', rebuild: true }]);
  assert.ok(gap >= 0);
  assert.equal(session.state, 'live');
  assert.ok(times.some(({ name, milliseconds }) => name === 'resume' && milliseconds === gap));
  assert.equal(said.findLast(({ side }) => side === 'agent')?.interrupted, true, 'the page is told that it was cut off');
  await new Promise((resolve) => setImmediate(resolve));
  const [, { clientContent }, held, ...more] = api.sent;
  const [person, agent, note] = clientContent.turns;
  assert.deepEqual(
    [person, agent],
    [
      { role: 'user', parts: [{ text: 'My number is 4711. Book a table.' }] },
      { role: 'model', parts: [{ text: 'I am booking [cut off here]' }] },
    ],
  );
  assert.match(note.parts[0].text, /book\(\{"seats":2\}\) is still running/);
  assert.deepEqual([held, more], [{ realtimeInput: { text: 'Are you there?' } }, []]);
  api.receive({ toolCall: { functionCalls: [{ id: '2', name: 'book', args: { seats: 2 } }] } });
  finish('BK-1');
  await next(session, 'tool', ({ status }) => status === 'answered');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(runs, 1);
  assert.deepEqual(api.sent.slice(3), [
    { toolResponse: { functionResponses: [{ id: '2', name: 'book', response: { output: 'BK-1' } }] } },
  ]);
  session.close();
});

test('a result that comes after the session is rebuilt is told as a note', async () => {
  const { api, session } = scripted({ grant: { lease: 'l', features: { rebuild: 'history' } } });
  /** @type {(value: string) => void} */
  let finish = () => {};
  session.handleTool('book', () => new Promise((resolve) => (finish = resolve)));
  await session.start(SILENTLY);
  api.receive({ toolCall: { functionCalls: [{ id: '1', name: 'book', args: {} }] } });
  await new Promise((resolve) => setImmediate(resolve));
  const rebuilt = next(session, 'rebuilt');
  api.close();
  await rebuilt;
  await new Promise((resolve) => setImmediate(resolve));
  const kinds = api.sent.map((message) => Object.keys(message)[0]);
  assert.deepEqual(kinds.slice(1), ['setup', 'clientContent', 'realtimeInput']);
  finish('BK-1');
  await next(session, 'tool', ({ status }) => status === 'answered');
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(api.sent.at(-1).realtimeInput.text, /^\[System note: book\(\{\}\) was answered with "BK-1"\.\]$/);
  session.close();
});

test('arguments are checked against the declarations in the token', async () => {
  const parameters = { type: 'OBJECT', properties: { number: { type: 'INTEGER' } }, required: ['number'] };
  const { api, session } = scripted({
    grant: {
      features: { tools: [{ name: 'find_order', behavior: 'BLOCKING' }] },
      locked: { tools: [{ functionDeclarations: [{ name: 'find_order', parameters }] }] },
    },
  });
  /** @type {unknown[]} */
  const asked = [];
  session.handleTool('find_order', ({ number }) => asked.push(number));
  await session.start(SILENTLY);
  const calls = [{ id: '1', name: 'find_order', args: { number: 'seven' } }, { id: '2', name: 'find_order', args: { number: 7 } }];
  const progress = noted(session, 'tool');
  const done = next(session, 'tool', ({ id, status }) => id === '2' && status === 'answered');
  api.receive({ toolCall: { functionCalls: calls } });
  await done;
  await Promise.resolve();
  assert.deepEqual(asked, [7]);
  assert.ok(progress.some(({ id, status }) => id === '1' && status === 'failed'));
  session.close();
});

for (const [code, reason, expected] of /** @type {[number, string, string][]} */ ([
  [1007, 'User location is not supported for the API use.', 'location-unsupported'],
  [1011, 'You exceeded your current quota', 'quota-exhausted'],
  [1000, '', ''],
])) {
  test(`closed by the other side with ${code}: ${expected || 'no error'}`, async () => {
    const { api, session } = scripted();
    await session.start(SILENTLY);
    const ends = next(session, 'state', ({ state }) => state === 'closed');
    api.close(code, reason);
    const { error } = await ends;
    assert.equal(error?.code ?? '', expected);
    assert.equal(api.connections, 1, 'nothing is tried again');
  });
}
