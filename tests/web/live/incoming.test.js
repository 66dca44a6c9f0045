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
