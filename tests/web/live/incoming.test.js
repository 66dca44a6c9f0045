import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Incoming } from '../../../web/live/incoming.js';
import { Tools } from '../../../web/live/tools.js';
import { TestClock } from '../test-clock.js';

/** Counts what is played and flushed. */
class Loudspeaker {
  played = 0;
  flushed = 0;
  outputLatency = 30;
  play() {
    this.played += 1;
  }
  flush() {
    this.flushed += 1;
  }
  completeTurn() {}
}

function listening() {
  const clock = new TestClock();
  const speaker = new Loudspeaker();
  /** @type {[string, any][]} */
  const emitted = [];
  const incoming = new Incoming(
    (type, detail) => emitted.push([type, detail]),
    /** @type {import('../../../web/live/media/sound.js').Sound} */ (/** @type {unknown} */ (speaker)),
    new Tools(() => {}, () => {}),
    clock,
  );
  const sound = () => incoming.receive({ kind: 'sound', samples: new Int16Array(480) });
  return { clock, speaker, emitted, incoming, sound };
}

test('the rest of an interrupted turn is dropped, the next turn is played', () => {
  const { speaker, incoming, sound } = listening();
  sound();
  incoming.receive({ kind: 'interrupted' });
  assert.equal(speaker.flushed, 1);
  sound();
  assert.equal(speaker.played, 1);
  incoming.receive({ kind: 'turn-complete' });
  sound();
  assert.equal(speaker.played, 2);
});

test('an interrupted turn without turnComplete silences nothing a second later', () => {
  const { clock, speaker, incoming, sound } = listening();
  incoming.receive({ kind: 'interrupted' });
  clock.pass(999);
  sound();
  assert.equal(speaker.played, 0);
  clock.pass(1);
  sound();
  assert.equal(speaker.played, 1);
});

test('first-sound counts from the last thing that was said', () => {
  const { clock, emitted, incoming, sound } = listening();
  incoming.asked();
  clock.pass(2000);
  incoming.asked();
  clock.pass(700);
  sound();
  incoming.asked(); // speaking over the answer does not ask a question yet
  clock.pass(100);
  sound();
  assert.deepEqual(emitted, [
    ['timing', { name: 'first-sound', milliseconds: 700 }],
    ['timing', { name: 'output-latency', milliseconds: 30 }],
  ]);
});

test('after an interruption first-sound is that of the next answer', () => {
  const { clock, emitted, incoming, sound } = listening();
  incoming.asked();
  sound();
  incoming.receive({ kind: 'interrupted' });
  incoming.asked();
  incoming.receive({ kind: 'turn-complete' });
  clock.pass(300);
  sound();
  const waits = emitted.filter(([, detail]) => detail?.name === 'first-sound').map(([, detail]) => detail.milliseconds);
  assert.deepEqual(waits, [0, 300]);
});

/** @param {[string, any][]} emitted @param {string} type */
const details = (emitted, type) => emitted.filter(([name]) => name === type).map(([, detail]) => detail);

test('text beside speech is not shown where speech is transcribed', () => {
  const { emitted, incoming } = listening();
  incoming.receive({ kind: 'transcript', side: 'agent', text: 'Noon.' });
  incoming.receive({ kind: 'text', text: '**Looking it up**' });
  incoming.receive({ kind: 'turn-complete' });
  incoming.receive({ kind: 'text', text: '**And again**' });
  assert.deepEqual(details(emitted, 'transcript').map(({ text }) => text), ['Noon.', 'Noon.']);
});

test('a token that transcribes answers rules text out from the first word', () => {
  const { emitted, incoming } = listening();
  incoming.transcribed = true;
  incoming.receive({ kind: 'text', text: '**Looking it up**' });
  assert.deepEqual(details(emitted, 'transcript'), []);
});

test('text is the answer where no speech is transcribed', () => {
  const { emitted, incoming } = listening();
  incoming.receive({ kind: 'text', text: 'It is' });
  incoming.receive({ kind: 'text', text: ' noon.' });
  incoming.receive({ kind: 'turn-complete' });
  assert.deepEqual(details(emitted, 'transcript').map(({ text, final }) => [text, final]), [
    ['It is', false],
    ['It is noon.', false],
    ['It is noon.', true],
  ]);
});

test('a model works on after a completed turn until it says that it is idle', () => {
  const { emitted, incoming } = listening();
  incoming.receive({ kind: 'working', working: true });
  incoming.receive({ kind: 'turn-complete' });
  assert.ok(incoming.working);
  incoming.receive({ kind: 'working', working: true });
  incoming.receive({ kind: 'working', working: false });
  assert.ok(!incoming.working);
  assert.deepEqual(details(emitted, 'working'), [{ working: true }, { working: false }]);
});

test('an answer that was stopped is told with its reason, and a question that is not over is not', () => {
  const { emitted, incoming } = listening();
  for (const reason of ['TURN_COMPLETE_REASON_UNSPECIFIED', 'NEED_MORE_INPUT', 'GENERATED_AUDIO_SAFETY', 'SOMETHING_NEW']) {
    incoming.receive({ kind: 'turn-complete', reason });
  }
  incoming.receive({ kind: 'turn-complete' });
  assert.deepEqual(details(emitted, 'stopped'), [
    { turn: 2, reason: 'GENERATED_AUDIO_SAFETY' },
    { turn: 3, reason: 'SOMETHING_NEW' },
  ]);
});

test('the voices that the server hears are told', () => {
  const { emitted, incoming } = listening();
  incoming.receive({ kind: 'voice-activity', active: true });
  incoming.receive({ kind: 'voice-activity', active: false });
  assert.deepEqual(details(emitted, 'voice'), [{ active: true }, { active: false }]);
});

test('unknown kinds of message are counted, each by its name', () => {
  const { emitted, incoming } = listening();
  for (const name of ['a', 'b', 'a']) incoming.receive({ kind: 'unknown', name });
  assert.deepEqual(details(emitted, 'unknown'), [
    { name: 'a', count: 1 },
    { name: 'b', count: 1 },
    { name: 'a', count: 2 },
  ]);
});
