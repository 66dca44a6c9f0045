import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activityFrame, soundEndFrame, soundFrame, textFrame, toolFrame } from '../../../../web/live/connection/protocol.js';
import { Unanswered } from '../../../../web/live/connection/unanswered.js';
import { TestClock } from '../../test-clock.js';

/** @typedef {import('../../../../web/live/connection/protocol.js').ServerEvent} ServerEvent */

/** @type {ServerEvent} */
const START = { kind: 'voice-activity', active: true };
/** @type {ServerEvent} */
const END = { kind: 'voice-activity', active: false };
/** @type {ServerEvent} */
const WORDS = { kind: 'transcript', side: 'user', text: 'Are you there?' };
/** @type {ServerEvent} */
const ANSWER = { kind: 'transcript', side: 'agent', text: 'Yes' };

/** @param {{transcribes?: boolean}} [options] */
function watching({ transcribes = true } = {}) {
  const clock = new TestClock();
  const page = { waits: false };
  /** @type {number[]} */
  const suspicions = [];
  const unanswered = new Unanswered(clock, () => page.waits, () => suspicions.push(clock.now()));
  unanswered.begin(transcribes);
  const arrive = (/** @type {ServerEvent[]} */ ...events) => {
    unanswered.received();
    for (const event of events) unanswered.read(event);
  };
  /** @param {number} milliseconds in which somebody speaks */
  const speak = (milliseconds) => {
    for (let passed = 0; passed < milliseconds; passed += 20) {
      unanswered.spoke(20);
      clock.pass(20);
    }
  };
  return { clock, page, suspicions, unanswered, arrive, speak };
}

/** @type {[string, (scene: ReturnType<typeof watching>) => void][]} */
const turns = [
  ['typed text', ({ unanswered }) => unanswered.sent(textFrame('Hello?'))],
  ['activityEnd', ({ unanswered }) => unanswered.sent(activityFrame(false))],
  ['the transcript of what was said', ({ arrive }) => arrive(WORDS)],
  ['the transcript and ACTIVITY_END', ({ arrive }) => arrive(START, WORDS, END)],
];
for (const [what, end] of turns) {
  test(`an answer is due after ${what}, and one that does not come within 15 s means a dead path`, () => {
    const scene = watching();
    end(scene);
    scene.clock.pass(14_999);
    assert.deepEqual(scene.suspicions, []);
    scene.clock.pass(1);
    assert.deepEqual(scene.suspicions, [15_000]);
  });

  test(`whatever arrives after ${what} proves the path`, () => {
    const scene = watching();
    end(scene);
    scene.clock.pass(14_000);
    scene.arrive();
    scene.clock.pass(600_000);
    assert.deepEqual(scene.suspicions, []);
    assert.equal(scene.clock.waiting, 0);
  });
}

test('no answer is due after sound, a pause of the microphone, a result, or the beginning of a turn', () => {
  const { clock, suspicions, unanswered, arrive } = watching();
  const frames = [soundFrame(new Int16Array(320), 16_000), soundEndFrame(), activityFrame(true), toolFrame([])];
  for (const frame of frames) unanswered.sent(frame);
  arrive(START);
  arrive(ANSWER);
  clock.pass(600_000);
  assert.deepEqual(suspicions, []);
  assert.equal(clock.waiting, 0);
});

test('something that ended without words, such as a cough, is not owed an answer', () => {
  const cough = watching();
  cough.arrive(START, WORDS, END, ANSWER);
  cough.arrive(START);
  cough.arrive(END);
  cough.clock.pass(60_000);
  assert.deepEqual(cough.suspicions, []);
});

test('where nothing is transcribed, ACTIVITY_END is the end of a turn', () => {
  const { clock, suspicions, arrive } = watching({ transcribes: false });
  arrive(START);
  arrive(END);
  clock.pass(15_000);
  assert.deepEqual(suspicions, [15_000]);
});

test('while the model waits for a result it owes no answer', () => {
  const { clock, page, suspicions, arrive } = watching();
  page.waits = true;
  arrive(WORDS);
  clock.pass(45_000);
  assert.deepEqual(suspicions, []);
  page.waits = false;
  clock.pass(15_000);
  assert.deepEqual(suspicions, [60_000]);
});

test('a voice that a server does not report means a dead path, if it has reported one on this connection', () => {
  const { clock, suspicions, unanswered, arrive, speak } = watching();
  speak(10_000);
  arrive(START);
  arrive(WORDS, END);
  arrive(ANSWER);
  speak(4980);
  assert.deepEqual(suspicions, []);
  speak(20);
  assert.deepEqual(suspicions, [15_000]);
  unanswered.begin(true);
  clock.pass(60_000);
  speak(20_000);
  assert.deepEqual(suspicions, [15_000], 'the next connection has not reported any');
});

test('a voice that is being heard may speak for minutes', () => {
  const { suspicions, arrive, speak } = watching();
  arrive(START);
  speak(180_000);
  assert.deepEqual(suspicions, []);
});

test('noises are shorter than a voice', () => {
  const { clock, suspicions, arrive, speak } = watching();
  arrive(START, WORDS, END, ANSWER);
  for (let times = 0; times < 20; times += 1) {
    speak(400);
    clock.pass(4600);
  }
  assert.deepEqual(suspicions, []);
});

test('a path is suspected at most once a minute', () => {
  const { clock, suspicions, unanswered, arrive, speak } = watching();
  const spoken = () => {
    unanswered.begin(true);
    arrive(START, END);
    arrive();
    speak(5000);
  };
  for (let times = 0; times < 20; times += 1) spoken();
  assert.deepEqual(suspicions, [5000, 65_000]);
  unanswered.sent(textFrame('Hello?'));
  clock.pass(60_000);
  assert.deepEqual(suspicions, [5000, 65_000, 130_000]);
});

test('silence alone means nothing', () => {
  const { clock, suspicions, arrive } = watching();
  arrive(START, WORDS, END, ANSWER);
  clock.pass(480_000);
  assert.deepEqual(suspicions, []);
  assert.equal(clock.waiting, 0);
});

test('without a connection nothing is due', () => {
  const { clock, suspicions, unanswered, arrive, speak } = watching();
  arrive(START, END);
  unanswered.sent(textFrame('Hello?'));
  unanswered.end();
  unanswered.sent(textFrame('Hello?'));
  speak(20_000);
  clock.pass(60_000);
  assert.deepEqual(suspicions, []);
  assert.equal(clock.waiting, 0);
});

test('a page that has slept reads what has arrived before it takes the path for dead', () => {
  const { clock, suspicions, unanswered, arrive } = watching();
  unanswered.sent(textFrame('Hello?'));
  clock.oversleep(60_000);
  clock.pass(1000);
  arrive(ANSWER);
  clock.pass(60_000);
  assert.deepEqual(suspicions, []);
});
