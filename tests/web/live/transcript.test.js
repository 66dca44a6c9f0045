import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transcript } from '../../../web/live/transcript.js';

test('fragments are joined as they are', () => {
  const transcript = new Transcript();
  transcript.append('agent', 'Good');
  assert.equal(transcript.append('agent', ' morning').text, 'Good morning');
});

/** @param {Transcript} transcript @param {...string} pieces of one utterance @returns {string} what is shown at last */
const joined = (transcript, ...pieces) => pieces.map((piece) => transcript.append('user', piece).text).at(-1) ?? '';

for (const [pieces, text] of /** @type {[string[], string][]} */ ([
  [['What is', 'What is the time'], 'What is the time'],
  [['[2.4 s', '[2.4 s of speech]'], '[2.4 s of speech]'],
  [['好', '好的', '好的吗'], '好的吗'],
  [['No', 'No, I', 'No, I said', 'No, I said no'], 'No, I said no'],
])) {
  test(`pieces that are each the whole text so far replace it: ${pieces}`, () => {
    assert.equal(joined(new Transcript(), ...pieces), text);
  });
}

for (const [pieces, text] of /** @type {[string[], string][]} */ ([
  [['5', '5', '5'], '555'],
  [['好', '好的'], '好好的'],
  [['no', ' no', ' no'], 'no no no'],
  [[' no', ' no', ' no way'], ' no no no way'],
  [['What is ', 'What is ', 'it?'], 'What is What is it?'],
  [['Stop it.', 'Stop it.'], 'Stop it.Stop it.'],
  [['I mean', 'I mean it', ', really'], 'I meanI mean it, really'],
  [[' I mean', ' I mean it'], ' I mean I mean it'],
])) {
  test(`repeated words of fragments are kept: ${pieces}`, () => {
    assert.equal(joined(new Transcript(), ...pieces), text);
  });
}

test('how pieces are joined is decided once, for each side', () => {
  const transcript = new Transcript();
  joined(transcript, 'What is', 'What is the time');
  transcript.completeTurn();
  assert.equal(joined(transcript, '5', '5', '55'), '55', 'each is the whole text');
  transcript.append('agent', 'No');
  transcript.append('agent', 'No.');
  assert.equal(transcript.append('agent', ' Yes.').text, 'NoNo. Yes.', 'the other side is not');
  transcript.completeTurn();
  transcript.append('agent', 'It is noon');
  assert.equal(transcript.append('agent', 'It is noon again').text, 'It is noonIt is noon again', 'fragments from now on');
});

test('what the person seems to say is shown until it is known', () => {
  const transcript = new Transcript();
  const first = transcript.suppose('God mor');
  assert.deepEqual([first.text, first.final], ['God mor', false]);
  assert.equal(transcript.suppose('Good morning').text, 'Good morning');
  assert.equal(transcript.append('user', 'Good morning.').text, 'Good morning.');
  const next = transcript.suppose(' How');
  assert.deepEqual([next.id, next.text], [first.id, 'Good morning. How']);
  assert.deepEqual(transcript.completeTurn().map(({ id, text, final }) => [id, text, final]), [[first.id, 'Good morning. How', true]]);
  assert.equal(transcript.append('user', 'Bye').text, 'Bye');
});

test('an answer in writing counts until there is a transcript', () => {
  const transcript = new Transcript();
  transcript.write('**Looking');
  const written = transcript.write(' it up**');
  assert.equal(written.text, '**Looking it up**');
  const spoken = transcript.append('agent', 'It is noon.');
  assert.deepEqual([spoken.id, spoken.text], [written.id, 'It is noon.']);
});

test('the two sides of a turn do not mix, in whatever order they come', () => {
  const transcript = new Transcript();
  const answer = transcript.append('agent', 'Noon');
  const question = transcript.append('user', 'What time is it?');
  assert.equal(question.turn, answer.turn);
  assert.notEqual(question.id, answer.id);
  assert.equal(transcript.append('agent', '.').id, answer.id);
});

test('the end of the turn makes both sides final, the user first, and begins the next turn', () => {
  const transcript = new Transcript();
  transcript.append('agent', 'Noon.');
  transcript.append('user', 'What time is it?');
  const finals = transcript.completeTurn();
  assert.deepEqual(
    finals.map(({ side, text, final, interrupted }) => [side, text, final, interrupted]),
    [
      ['user', 'What time is it?', true, false],
      ['agent', 'Noon.', true, false],
    ],
  );
  const next = transcript.append('user', 'And now?');
  assert.equal(next.text, 'And now?');
  assert.ok(next.turn > finals[0].turn);
});

test('an interruption makes the answer final and says so; the question stays open', () => {
  const transcript = new Transcript();
  const question = transcript.append('user', 'Tell me a story');
  transcript.append('agent', 'Once upon');
  assert.deepEqual(
    transcript.interrupt().map(({ text, final, interrupted }) => [text, final, interrupted]),
    [['Once upon', true, true]],
  );
  assert.equal(transcript.append('user', ', please').id, question.id);
});

test('a turn without text emits nothing', () => {
  const transcript = new Transcript();
  assert.deepEqual(transcript.interrupt(), []);
  assert.deepEqual(transcript.completeTurn(), []);
});

test('typed text is final, and separate from what is being said', () => {
  const transcript = new Transcript();
  const spoken = transcript.append('user', 'I mean');
  const typed = transcript.type('hello');
  assert.ok(typed.final && typed.typed);
  assert.notEqual(typed.id, spoken.id);
  assert.equal(transcript.append('user', ' this').text, 'I mean this');
});
