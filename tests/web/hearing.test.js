import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hearing } from '../../web/live/hearing.js';
import { Tools } from '../../web/live/tools.js';
import { TestClock } from './test-clock.js';

/** A loudspeaker that counts. */
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
  const told = [];
  const hearing = new Hearing(
    (type, detail) => told.push([type, detail]),
    /** @type {import('../../web/live/sound.js').Sound} */ (/** @type {unknown} */ (speaker)),
    new Tools(() => {}, () => {}),
    clock,
  );
  const sound = () => hearing.hear({ kind: 'sound', samples: new Int16Array(480) });
  return { clock, speaker, told, hearing, sound };
}

test('what still comes of a cut turn is not played; the next turn is', () => {
  const { speaker, hearing, sound } = listening();
  sound();
  hearing.hear({ kind: 'interrupted' });
  assert.equal(speaker.flushed, 1);
  sound();
  assert.equal(speaker.played, 1);
  hearing.hear({ kind: 'turn-complete' });
  sound();
  assert.equal(speaker.played, 2);
});

test('a cut turn that is never called complete does not silence what comes a second later', () => {
  const { clock, speaker, hearing, sound } = listening();
  hearing.hear({ kind: 'interrupted' });
  clock.pass(999);
  sound();
  assert.equal(speaker.played, 0);
  clock.pass(1);
  sound();
  assert.equal(speaker.played, 1);
});

test('the wait for an answer counts from the last thing that was said', () => {
  const { clock, told, hearing, sound } = listening();
  hearing.asked();
  clock.pass(2000);
  hearing.asked();
  clock.pass(700);
  sound();
  hearing.asked(); // speaking into the answer is no question yet
  clock.pass(100);
  sound();
  assert.deepEqual(told, [
    ['timing', { name: 'first-sound', milliseconds: 700 }],
    ['timing', { name: 'output-latency', milliseconds: 30 }],
  ]);
});

test('after an interruption the wait is for the next answer', () => {
  const { clock, told, hearing, sound } = listening();
  hearing.asked();
  sound();
  hearing.hear({ kind: 'interrupted' });
  hearing.asked();
  hearing.hear({ kind: 'turn-complete' });
  clock.pass(300);
  sound();
  const waits = told.filter(([, detail]) => detail?.name === 'first-sound').map(([, detail]) => detail.milliseconds);
  assert.deepEqual(waits, [0, 300]);
});
