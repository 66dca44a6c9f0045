import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptedTransport } from '../../../web/live/scripted-transport.js';
import { LiveSession } from '../../../web/live/session.js';

const SEEDS = 40;
const MUTATIONS = 50;

/** What takes the place of any value of a message. @type {unknown[]} */
const SUBSTITUTES = [
  null, 0, -1, 1e308, 7.5, true, false, '', 'x', '-9e999s', '\ud800', '__proto__', [], [null], [[7]], ['x'], {},
  { toString: 7, valueOf: null }, { length: 3 }, { then: 7 }, { '\udfff': {} },
];

/** One of each message that the Live API sends. */
const MESSAGES = [
  { setupComplete: { sessionId: 's' } },
  {
    serverContent: {
      interimInputTranscription: { text: 'Goo' },
      inputTranscription: { text: 'Good morning', finished: true },
      outputTranscription: { text: 'Hello' },
      modelTurn: {
        role: 'model',
        parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AQACAA==' } }, { text: 'Hello' }, { text: 'hm', thought: true }],
      },
    },
  },
  { serverContent: { interrupted: true } },
  {
    serverContent: {
      groundingMetadata: {
        webSearchQueries: ['tides'],
        groundingChunks: [{ web: { uri: 'https://a.test/', title: 'a' } }],
        searchEntryPoint: { renderedContent: '<a href="https://www.google.com/search?q=tides">tides</a>' },
      },
    },
  },
  { serverContent: { generationComplete: true } },
  {
    serverContent: { turnComplete: true, turnCompleteReason: 'GENERATED_AUDIO_SAFETY', interactionStatus: 'IDLE', waitingForInput: true },
    usageMetadata: { promptTokenCount: 3, totalTokenCount: 5, promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 3 }] },
  },
  { toolCall: { functionCalls: [{ id: '1', name: 'f', args: { number: 7 } }, { id: '2', name: 'g', args: {} }] }, interactionStatus: 'REQUIRES_ACTION' },
  { serverContent: { modelTurn: { parts: [{ functionCall: { id: '3', name: 'f', args: {} } }] } } },
  { toolCallCancellation: { ids: ['1', '2'] } },
  { voiceActivity: { type: 'ACTIVITY_START', audioOffset: '0.160s' } },
  { sessionResumptionUpdate: { newHandle: 'h', resumable: true } },
  { somethingNew: { list: [{ deep: 'x' }] } },
];

/** A small generator of whole numbers (mulberry32). @param {number} seed @returns {(below: number) => number} */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** @param {any} value @returns {[object: any, key: string][]} every place in it that holds a value */
const places = (value) =>
  typeof value === 'object' && value !== null ? Object.keys(value).flatMap((key) => [[value, key], ...places(value[key])]) : [];

/** @param {any} message @param {(below: number) => number} next @returns {any} with one value replaced */
function mutated(message, next) {
  const copy = { root: structuredClone(message) };
  const all = places(copy);
  const [object, key] = all[next(all.length)];
  Object.defineProperty(object, key, { value: SUBSTITUTES[next(SUBSTITUTES.length)], enumerable: true });
  return copy.root;
}

for (let seed = 1; seed <= SEEDS; seed += 1) {
  test(`a conversation outlives messages with any value of another type: seed ${seed}`, async () => {
    const next = numbers(seed);
    const api = new ScriptedTransport({ grant: { features: { tools: [{ name: 'f' }, { name: 'g', behavior: 'NON_BLOCKING' }] } } });
    const session = new LiveSession({ token: api.token, transport: api.transport });
    session.handleTool('f', ({ number }) => number);
    session.handleTool('g', (args, { update }) => update(args));
    await session.start({ microphone: false, speaker: false });
    const { connections } = api;
    /** @type {string[]} */
    const trail = [];
    for (let count = 0; count < MUTATIONS; count += 1) {
      const message = mutated(MESSAGES[next(MESSAGES.length)], next);
      trail.push(JSON.stringify(message));
      api.receive(message);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(session.state, 'live', trail.slice(-3).join('\n'));
    }
    assert.equal(api.connections, connections, 'no connection was replaced');
    /** @type {string[]} */
    const said = [];
    session.addEventListener('transcript', ({ detail }) => said.push(detail.text));
    api.receive({ serverContent: { turnComplete: true } });
    api.respond('Still here');
    session.sendText('And you?');
    assert.ok(said.includes('Still here') && said.includes('And you?'));
    session.close();
  });
}

test('an announced end with any time left leaves the conversation alive', async () => {
  for (const timeLeft of [...SUBSTITUTES, '10s', '1e400s']) {
    const api = new ScriptedTransport();
    const session = new LiveSession({ token: api.token, transport: api.transport });
    await session.start({ microphone: false, speaker: false });
    api.receive({ goAway: { timeLeft } });
    await new Promise((resolve) => setImmediate(resolve));
    assert.notEqual(session.state, 'closed', JSON.stringify(timeLeft));
    session.close();
  }
});
