import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textFrame } from '../../../web/live/connection/protocol.js';
import { History, noteFrame } from '../../../web/live/transcript.js';

/** @param {string} id @param {'user' | 'agent'} side @param {string} text @param {object} [more] */
const utterance = (id, side, text, more) => ({
  id, turn: 0, side, text, typed: false, final: true, interrupted: false, ...more,
});
/** @param {string[]} frames @returns {any[]} */
const messages = (frames) => frames.map((frame) => JSON.parse(frame));
/** @param {{frames: string[]}} told @returns {[string, string][]} role and text of each turn */
const turnsOf = ({ frames }) =>
  messages(frames)[0].clientContent.turns.map((/** @type {any} */ { role, parts }) => [role, parts[0].text]);

test('the last six turns are told, in the order in which they began, with a note as the last', () => {
  const history = new History();
  for (let turn = 1; turn <= 7; turn += 1) history.heard(utterance(`u${turn}`, turn % 2 ? 'user' : 'agent', `words ${turn}`));
  history.heard(utterance('u6', 'agent', 'words 6 and more'));
  const told = history.frames('content', '');
  const turns = turnsOf(told);
  assert.deepEqual(turns.slice(0, -1), [
    ['model', 'words 2'], ['user', 'words 3'], ['model', 'words 4'], ['user', 'words 5'], ['model', 'words 6 and more'],
    ['user', 'words 7'],
  ]);
  assert.equal(turns[6][0], 'user');
  assert.match(turns[6][1], /^\[System note: the connection to the user was lost.*Continue the conversation/);
  assert.deepEqual([told.turns, told.frames.length, messages(told.frames)[0].clientContent.turnComplete], [6, 1, true]);
});

test('a model that takes history only at the start gets the note as text behind it', () => {
  const history = new History();
  history.heard(utterance('u1', 'user', 'My number is 4711.'));
  const [content, text] = messages(history.frames('history', 'book({}) was cancelled.').frames);
  assert.deepEqual(content.clientContent, {
    turns: [{ role: 'user', parts: [{ text: 'My number is 4711.' }] }],
    turnComplete: true,
  });
  assert.match(text.realtimeInput.text, /^\[System note: .* book\(\{\}\) was cancelled\./);
});

test('an answer that was cut off is marked', () => {
  const history = new History();
  history.heard(utterance('u1', 'agent', 'The table is', { interrupted: true }));
  assert.deepEqual(turnsOf(history.frames('content', ''))[0], ['model', 'The table is [cut off here]']);
});

test('typed text is told once it has been sent, and a note of ours is not', () => {
  const history = new History();
  history.heard(utterance('u1', 'user', 'typed but held', { typed: true }));
  assert.equal(history.sent(textFrame('typed and "sent"')), true);
  assert.equal(history.sent(noteFrame('book({}) was cancelled.')), false);
  assert.equal(history.sent('{"realtimeInput":{"audio":{}}}'), false);
  assert.deepEqual(turnsOf(history.frames('content', '')).slice(0, -1), [['user', 'typed and "sent"']]);
});

test('of a long turn the end is told', () => {
  const history = new History();
  history.sent(textFrame(`${'a'.repeat(5000)}z`));
  const [[, text]] = turnsOf(history.frames('content', ''));
  assert.equal(text.length, 2000);
  assert.ok(text.endsWith('z'));
});

test('if nothing was said, nothing is told; a session that waits for a history gets an empty one', () => {
  const history = new History();
  history.sent(textFrame('forgotten'));
  history.forget();
  assert.deepEqual(history.frames('content', ''), { turns: 0, frames: [], empty: true });
  const told = history.frames('history', '');
  assert.deepEqual([messages(told.frames), told.empty], [[{ clientContent: { turns: [], turnComplete: true } }], true]);
});

test('calls alone are told', () => {
  const told = new History().frames('content', 'book({}) was cancelled.');
  assert.equal(told.empty, false);
  assert.match(turnsOf(told)[0][1], /book\(\{\}\) was cancelled/);
});
