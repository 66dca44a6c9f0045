import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentInput } from '../../../web/live/silent-input.js';
import { TestClock } from '../test-clock.js';

/** @typedef {import('../../../web/live/connection/token-source.js').Features} Features */
/** @typedef {import('../../../web/live/conversation.js').Observed} Observed */

const CONTENT = 'content';
/** @type {Observed} */
const SOUND = { kind: 'sound', samples: new Int16Array(1) };
/** @type {Observed} */
const ASKED = { kind: 'transcript', side: 'user', text: 'What is it?' };
/** @type {Observed} */
const COMPLETE = { kind: 'turn-complete' };
const JPEG = new Blob([Uint8Array.of(0xff, 0xd8)], { type: 'image/jpeg' });
const PICTURE = { data: '/9g=', mimeType: 'image/jpeg' };

/** @param {Features} features */
function scene(features) {
  const clock = new TestClock();
  const ending = new AbortController();
  /** @type {any[]} */
  const sent = [];
  /** @type {string[]} */
  const notes = [];
  const now = { answering: false, calling: false, talking: false };
  const input = new SilentInput(
    {
      notes,
      features: () => features,
      send: (frame) => void sent.push(JSON.parse(frame)),
      answering: () => now.answering,
      calling: () => now.calling,
      talking: () => now.talking,
    },
    ending.signal,
    clock,
  );
  const tell = (/** @type {string} */ text) => {
    notes.push(text);
    input.flush();
  };
  /** @param {boolean} active */
  const speak = (active) => {
    now.talking = active;
    input.receive({ kind: 'voice-activity', active });
  };
  return { clock, ending, sent, notes, now, input, tell, speak };
}

const content = (/** @type {string[]} */ ...notes) => ({
  clientContent: {
    turns: [{ role: 'user', parts: notes.map((text) => ({ text: `[System note: ${text}]` })) }],
    turnComplete: false,
  },
});
const COMPLETION = { clientContent: { turns: [], turnComplete: true } };

test('a note is sent at once as content that is not to be answered', () => {
  const { sent, tell } = scene({ context: CONTENT });
  tell('page 1');
  assert.deepEqual(sent, [content('page 1')]);
});

test('notes wait for the end of an answer, which content would interrupt, and go together', () => {
  const { sent, input, tell } = scene({});
  input.receive(SOUND);
  tell('page 1');
  tell('page 2');
  assert.deepEqual(sent, []);
  input.receive(COMPLETE);
  assert.deepEqual(sent, [content('page 1', 'page 2')]);
});

test('notes wait for an answer that is due, as long as one may take to begin', () => {
  const { clock, sent, input, tell } = scene({});
  input.receive(ASKED);
  tell('page 1');
  clock.pass(4999);
  assert.deepEqual(sent, []);
  clock.pass(1);
  assert.deepEqual(sent, [content('page 1')]);
});

test('notes wait for tool calls, which content would cancel', () => {
  const { clock, sent, now, tell } = scene({});
  now.calling = true;
  tell('page 1');
  clock.pass(60_000);
  assert.deepEqual(sent, []);
  now.calling = false;
  clock.pass(10_000);
  assert.deepEqual(sent, [content('page 1')]);
});

test('an answer that was in progress when this was loaded is waited for', () => {
  const { sent, notes, now, clock } = scene({});
  now.answering = true;
  const input = new SilentInput(
    { notes, features: () => ({}), send: (frame) => void sent.push(frame), answering: () => true, calling: () => false, talking: () => false },
    new AbortController().signal,
    clock,
  );
  notes.push('page 1');
  input.flush();
  assert.deepEqual(sent, []);
});

test('a server that does not answer speech after such content is told that the turn is complete, once', () => {
  const { clock, sent, input, tell } = scene({});
  tell('page 1');
  input.receive(ASKED);
  clock.pass(5000);
  assert.deepEqual(sent, [content('page 1'), COMPLETION]);
  input.receive(ASKED);
  clock.pass(60_000);
  assert.equal(sent.length, 2);
});

for (const [sign, event] of /** @type {[string, Observed][]} */ ([
  ['an answer', SOUND],
  ['a tool call', { kind: 'tool-call', calls: [] }],
  ['typed text, which is answered in any case', { kind: 'typed' }],
])) {
  test(`nothing completes a turn after ${sign}`, () => {
    const { clock, sent, input, tell } = scene({});
    tell('page 1');
    input.receive(ASKED);
    input.receive(event);
    clock.pass(60_000);
    assert.deepEqual(sent, [content('page 1')]);
  });
}

test('nothing completes the turn of a voice that still speaks', () => {
  const { clock, sent, input, tell, speak } = scene({});
  tell('page 1');
  input.receive(ASKED);
  speak(true);
  clock.pass(60_000);
  assert.deepEqual(sent, [content('page 1')]);
});

test('where a session takes no content, a note is sent as text while a voice speaks', () => {
  const { sent, tell, speak } = scene({ context: 'turn' });
  tell('page 1');
  tell('page 2');
  assert.deepEqual(sent, []);
  speak(true);
  assert.deepEqual(sent, [{ realtimeInput: { text: '[System note: page 1 page 2]' } }]);
  tell('page 3');
  assert.equal(sent.length, 2, 'the voice still speaks');
  speak(false);
  tell('page 4');
  assert.equal(sent.length, 2);
});

test('where the client marks turns, a note is sent in one that is open', () => {
  const { sent, now, tell } = scene({ context: 'turn' });
  now.talking = true;
  tell('page 1');
  assert.deepEqual(sent, [{ realtimeInput: { text: '[System note: page 1]' } }]);
});

for (const [image, frames] of /** @type {[Features['image'], object[]][]} */ ([
  [undefined, [{ realtimeInput: { video: PICTURE } }]],
  ['video', [{ realtimeInput: { video: PICTURE } }]],
  ['content', [{ clientContent: { turns: [{ role: 'user', parts: [{ inlineData: PICTURE }] }], turnComplete: false } }]],
])) {
  test(`a picture is sent as the features say: ${image}`, async () => {
    const { sent, input } = scene({ ...(image && { image }) });
    await input.show(JPEG);
    assert.deepEqual(sent, frames);
  });
}

test('a picture that only counts while somebody speaks waits for that', async () => {
  const { sent, input, speak } = scene({ context: 'turn', image: 'turn' });
  await input.show(JPEG);
  assert.deepEqual(sent, []);
  speak(true);
  assert.deepEqual(sent, [{ realtimeInput: { video: PICTURE } }]);
});

test('a blob that cannot be read as a picture is refused', async () => {
  const { sent, input } = scene({});
  await assert.rejects(input.show(new Blob(['text'], { type: 'text/plain' })), { code: 'image-unreadable', retryable: false });
  assert.deepEqual(sent, []);
});

test('a picture is not sent after the end', async () => {
  const { ending, sent, input } = scene({});
  const shown = input.show(JPEG);
  ending.abort(new Error('over'));
  await assert.rejects(shown, /over/);
  assert.deepEqual(sent, []);
});

const STOPPED = 'the user stopped your answer before its end.';

test('an interruption is sent at once, as content that is not to be answered', () => {
  const { sent, notes, input } = scene({});
  input.receive(SOUND);
  notes.push(STOPPED);
  input.interrupt();
  assert.deepEqual(sent, [content(STOPPED)]);
});

test('an interruption that went with typed text does not stop the answer to that', () => {
  const { sent, input, tell } = scene({});
  input.receive(SOUND);
  input.receive({ kind: 'typed' });
  input.interrupt();
  tell('page 1');
  assert.deepEqual(sent, []);
});

test('an interruption waits for tool calls, which it would cancel', () => {
  const { clock, sent, notes, now, input } = scene({});
  now.calling = true;
  notes.push(STOPPED);
  input.interrupt();
  assert.deepEqual(sent, []);
  now.calling = false;
  clock.pass(10_000);
  assert.deepEqual(sent, [content(STOPPED)]);
});

test('where a session takes no content, an interruption is told with the next turn', () => {
  const { sent, notes, input, speak } = scene({ context: 'turn' });
  input.receive(SOUND);
  notes.push(STOPPED);
  input.interrupt();
  assert.deepEqual(sent, []);
  speak(true);
  assert.deepEqual(sent, [{ realtimeInput: { text: `[System note: ${STOPPED}]` } }]);
});

test('nothing is left to run after the end', () => {
  const { clock, ending, input, tell } = scene({});
  input.receive(ASKED);
  tell('page 1');
  assert.equal(clock.waiting, 1);
  ending.abort();
  assert.equal(clock.waiting, 0);
});
