import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  activityFrame,
  endsTurn,
  pictureFrame,
  readFrame,
  setupFrame,
  soundEndFrame,
  soundFrame,
  textFrame,
  toolFrame,
} from '../../../../web/live/connection/protocol.js';

const read = (/** @type {unknown} */ message) => readFrame(JSON.stringify(message));

test('the first frame is the setup from the token service, unchanged', () => {
  assert.equal(setupFrame({ model: 'models/m' }), '{"setup":{"model":"models/m"}}');
});

test('sound is little-endian, 16 bits, with its rate', () => {
  assert.deepEqual(JSON.parse(soundFrame(Int16Array.of(1, -2), 16_000)), {
    realtimeInput: { audio: { data: 'AQD+/w==', mimeType: 'audio/pcm;rate=16000' } },
  });
});

test('a chunk that is part of a larger buffer sends only itself', () => {
  assert.equal(soundFrame(Int16Array.of(9, 1, -2, 9).subarray(1, 3), 16_000), soundFrame(Int16Array.of(1, -2), 16_000));
});

test('text, video, pauses, activity and tool responses have the documented frames', () => {
  const frames = [
    [textFrame('Hi "you"'), { realtimeInput: { text: 'Hi "you"' } }],
    [pictureFrame(Uint8Array.of(255, 216)), { realtimeInput: { video: { data: '/9g=', mimeType: 'image/jpeg' } } }],
    [soundEndFrame(), { realtimeInput: { audioStreamEnd: true } }],
    [activityFrame(true), { realtimeInput: { activityStart: {} } }],
    [activityFrame(false), { realtimeInput: { activityEnd: {} } }],
    [
      toolFrame([{ id: '1', name: 'f', response: { output: 2 } }]),
      { toolResponse: { functionResponses: [{ id: '1', name: 'f', response: { output: 2 } }] } },
    ],
  ];
  for (const [frame, message] of frames) assert.deepEqual(JSON.parse(/** @type {string} */ (frame)), message);
});

test('a frame may be text or bytes', () => {
  const text = '{"setupComplete":{}}';
  assert.deepEqual(readFrame(text), [{ kind: 'setup-complete' }]);
  assert.deepEqual(readFrame(new TextEncoder().encode(text).buffer), [{ kind: 'setup-complete' }]);
});

test('voice activity is read, at the top of a message', () => {
  const activity = (/** @type {string} */ type) => read({ voiceActivity: { type, audioOffset: '0.160s' } });
  assert.deepEqual(activity('ACTIVITY_START'), [{ kind: 'voice-activity', active: true }]);
  assert.deepEqual(activity('ACTIVITY_END'), [{ kind: 'voice-activity', active: false }]);
});

test('typed text and activityEnd end a turn, and nothing else does', () => {
  assert.deepEqual([textFrame('Hi'), activityFrame(false)].map(endsTurn), [true, true]);
  const others = [activityFrame(true), soundEndFrame(), soundFrame(Int16Array.of(1), 16_000), pictureFrame(Uint8Array.of(1)), toolFrame([])];
  assert.deepEqual(others.map(endsTurn), others.map(() => false));
});

test('unknown messages are ignored', () => {
  assert.deepEqual(read({ voiceActivity: { type: 'TYPE_UNSPECIFIED' }, somethingNew: {} }), []);
  assert.deepEqual(read({ serverContent: { waitingForInput: true, modelTurn: { parts: [{}] } } }), []);
});

for (const frame of ['not JSON', 'null', '7', new ArrayBuffer(3)]) {
  test(`an unreadable frame is a typed error: ${JSON.stringify(frame)}`, () => {
    assert.throws(() => readFrame(frame), { name: 'LiveError', code: 'protocol-violated' });
  });
}

test('sound that is not base64 is a typed error', () => {
  const parts = [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: '!' } }];
  assert.throws(() => read({ serverContent: { modelTurn: { parts } } }), { code: 'protocol-violated' });
});

test('all parts of a message are read, in order', () => {
  const sound = (/** @type {string} */ data) => ({ inlineData: { mimeType: 'audio/pcm;rate=24000', data } });
  assert.deepEqual(read({ serverContent: { modelTurn: { parts: [sound('AQA='), { text: 'a' }, sound('AgA=')] } } }), [
    { kind: 'sound', samples: Int16Array.of(1) },
    { kind: 'transcript', side: 'agent', text: 'a' },
    { kind: 'sound', samples: Int16Array.of(2) },
  ]);
});

test('half a sample at the end of a chunk is dropped', () => {
  const parts = [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AQAC' } }];
  assert.deepEqual(read({ serverContent: { modelTurn: { parts } } }), [{ kind: 'sound', samples: Int16Array.of(1) }]);
});

test('thoughts are never part of the transcript', () => {
  assert.deepEqual(read({ serverContent: { modelTurn: { parts: [{ text: 'hm', thought: true }] } } }), []);
});

test('in one message the interruption comes first and the end of the turn last', () => {
  const message = {
    serverContent: {
      turnComplete: true,
      outputTranscription: { text: 'b' },
      inputTranscription: { text: 'a' },
      interrupted: true,
    },
  };
  assert.deepEqual(read(message), [
    { kind: 'interrupted' },
    { kind: 'transcript', side: 'user', text: 'a' },
    { kind: 'transcript', side: 'agent', text: 'b' },
    { kind: 'turn-complete' },
  ]);
});

test('a tool call is found in both places where it may occur', () => {
  const call = { id: '1', name: 'f', args: { x: 1 } };
  assert.deepEqual(read({ toolCall: { functionCalls: [call] } }), [{ kind: 'tool-call', calls: [call] }]);
  assert.deepEqual(read({ serverContent: { modelTurn: { parts: [{ functionCall: call }] } } }), [
    { kind: 'tool-call', calls: [call] },
  ]);
  assert.deepEqual(read({ toolCall: { functionCalls: [{ id: '1', name: 'f' }] } }), [
    { kind: 'tool-call', calls: [{ id: '1', name: 'f', args: {} }] },
  ]);
});

test('a cancellation names the calls', () => {
  assert.deepEqual(read({ toolCallCancellation: { ids: ['1', '2'] } }), [{ kind: 'tool-cancellation', ids: ['1', '2'] }]);
});

test('an announced end is read in milliseconds', () => {
  for (const [timeLeft, milliseconds] of /** @type {[string | undefined, number][]} */ ([
    ['50s', 50_000],
    ['12.5s', 12_500],
    ['0s', 0],
    [undefined, 0],
  ])) {
    assert.deepEqual(read({ goAway: { timeLeft } }), [{ kind: 'go-away', milliseconds }]);
  }
});

test('a handle counts only if the conversation is resumable', () => {
  const update = (/** @type {object} */ sessionResumptionUpdate) => read({ sessionResumptionUpdate });
  assert.deepEqual(update({ newHandle: 'h', resumable: true }), [{ kind: 'handle', handle: 'h' }]);
  assert.deepEqual(update({ resumable: false }), [{ kind: 'handle', handle: null }]);
  assert.deepEqual(update({ newHandle: '', resumable: false }), [{ kind: 'handle', handle: null }]);
});

test('the usage of a turn comes with its end', () => {
  const usageMetadata = { totalTokenCount: 7 };
  assert.deepEqual(read({ serverContent: { generationComplete: true, turnComplete: true }, usageMetadata }), [
    { kind: 'generation-complete' },
    { kind: 'turn-complete' },
    { kind: 'usage', metadata: usageMetadata },
  ]);
});

test('only sources with a web address are kept', () => {
  const web = (/** @type {string} */ uri, title = '') => ({ web: { uri, title } });
  const groundingMetadata = {
    webSearchQueries: ['tides'],
    groundingChunks: [web('https://sea.test/', 'The sea'), web('javascript:alert(1)'), web('data:text/html,x'), {}],
  };
  assert.deepEqual(read({ serverContent: { groundingMetadata } }), [
    { kind: 'sources', queries: ['tides'], sources: [{ title: 'The sea', url: 'https://sea.test/' }] },
  ]);
});
