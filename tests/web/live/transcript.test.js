import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transcript } from '../../../web/live/transcript.js';

test('fragments are joined as they are', () => {
  const transcript = new Transcript();
  transcript.append('agent', 'Good');
  assert.equal(transcript.append('agent', ' morning').text, 'Good morning');
});

test('a fragment that repeats everything so far replaces it', () => {
  const transcript = new Transcript();
  transcript.append('user', 'What is');
  assert.equal(transcript.append('user', 'What is the time').text, 'What is the time');
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
