import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  activityFrame,
  contentFrame,
  endsTurn,
  isAside,
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

test('an unknown kind of message, and an unknown field of its content, are only named', () => {
  assert.deepEqual(read({ voiceActivity: { type: 'TYPE_UNSPECIFIED' }, somethingNew: {} }), [{ kind: 'unknown', name: 'somethingNew' }]);
  assert.deepEqual(read({ serverContent: { waitingForInput: true, modelTurn: { parts: [{ fileData: {} }] } } }), [
    { kind: 'unknown', name: 'waitingForInput' },
  ]);
});

test('what says nothing about the answer is told apart, and the end of the turn is last', () => {
  const kinds = read({
    serverContent: { turnComplete: true, interactionStatus: 'IN_PROGRESS', modelTurn: { parts: [{ text: 'a' }] }, new1: 1 },
    new2: 2,
  });
  assert.deepEqual(kinds.map((event) => [event.kind, isAside(event)]), [
    ['unknown', true],
    ['unknown', true],
    ['working', true],
    ['text', false],
    ['turn-complete', false],
  ]);
});

test('a message that is not an object says nothing', () => {
  for (const message of [null, 7, 'text', true, []]) assert.deepEqual(read(message), []);
});

for (const frame of ['not JSON', new ArrayBuffer(3)]) {
  test(`an unreadable frame is a typed error: ${JSON.stringify(frame)}`, () => {
    assert.throws(() => readFrame(frame), { name: 'LiveError', code: 'protocol-violated' });
  });
}

test('sound that is empty, or not base64, is left out', () => {
  for (const data of ['', '!', 'AA==', null, 7, {}]) {
    const parts = [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data } }, { text: 'a' }];
    assert.deepEqual(read({ serverContent: { modelTurn: { parts } } }), [{ kind: 'text', text: 'a' }]);
  }
});

test('all parts of a message are read, in order', () => {
  const sound = (/** @type {string} */ data) => ({ inlineData: { mimeType: 'audio/pcm;rate=24000', data } });
  assert.deepEqual(read({ serverContent: { modelTurn: { parts: [sound('AQA='), { text: 'a' }, sound('AgA=')] } } }), [
    { kind: 'sound', samples: Int16Array.of(1) },
    { kind: 'text', text: 'a' },
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

test('the status of the work is read in both places where it may be', () => {
  for (const [interactionStatus, working] of /** @type {const} */ ([['IN_PROGRESS', true], ['REQUIRES_ACTION', true], ['IDLE', false]])) {
    assert.deepEqual(read({ interactionStatus }), [{ kind: 'working', working }]);
    assert.deepEqual(read({ serverContent: { interactionStatus } }), [{ kind: 'working', working }]);
  }
  for (const interactionStatus of ['INTERACTION_STATUS_UNSPECIFIED', '', null, 7]) {
    assert.deepEqual(read({ serverContent: { interactionStatus } }), []);
  }
});

test('a turn that was stopped says why', () => {
  assert.deepEqual(read({ serverContent: { turnComplete: true, turnCompleteReason: 'RESPONSE_REJECTED' } }), [
    { kind: 'turn-complete', reason: 'RESPONSE_REJECTED' },
  ]);
});

test('an interim transcript comes before the final one', () => {
  assert.deepEqual(read({ serverContent: { inputTranscription: { text: 'Good' }, interimInputTranscription: { text: 'Goo' } } }), [
    { kind: 'interim', text: 'Goo' },
    { kind: 'transcript', side: 'user', text: 'Good' },
  ]);
});

test('a call with neither name nor id is left out; what else is missing is empty', () => {
  const calls = [null, 7, {}, { id: 7 }, { id: '1' }, { id: '2', name: '' }, { name: 'f', args: null }, { id: 5, name: 'g', args: [1] }];
  assert.deepEqual(read({ toolCall: { functionCalls: calls } }), [
    {
      kind: 'tool-call',
      calls: [
        { id: '1', name: '', args: {} },
        { id: '2', name: '', args: {} },
        { id: '', name: 'f', args: {} },
        { id: '', name: 'g', args: {} },
      ],
    },
  ]);
});

test('a lone surrogate is sent as a replacement character, wherever it is', () => {
  const sent = [
    textFrame('a\ud800b \ud83d\ude00'),
    contentFrame([{ role: 'user', parts: [{ text: 'a\ud800b \ud83d\ude00' }] }]),
    toolFrame([{ id: '1', name: 'f', response: { output: { 'a\udfffb': 'a\udc00b \ud83d\ude00' } } }]),
    setupFrame({ model: 'a\ud800b \ud83d\ude00' }),
  ];
  for (const frame of sent) {
    assert.ok(frame.isWellFormed() && !/\\ud[89a-f]/.test(frame), frame);
    assert.match(frame, /a\\ufffdb \u{1F600}/u);
  }
});

test('a backslash before something that looks like a surrogate is kept', () => {
  const typed = 'C:\\ud800 and \\\\ud800';
  assert.equal(JSON.parse(textFrame(typed)).realtimeInput.text, typed);
});
