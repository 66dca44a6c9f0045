import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Usage } from '../../../web/live/incoming.js';

const count = (/** @type {number} */ total) => ({ totalTokenCount: total });

test('turns add up', () => {
  const usage = new Usage();
  usage.record(count(100));
  usage.complete();
  usage.beginTurn();
  assert.equal(usage.record(count(120)).total.total, 220);
});

test('within a turn the latest count replaces earlier ones', () => {
  const usage = new Usage();
  usage.record(count(60));
  const { turn, total } = usage.record(count(100));
  assert.equal(turn.total, 100);
  assert.equal(total.total, 100);
});

test('a count that shrinks is counted on its own', () => {
  const usage = new Usage();
  usage.record(count(100));
  assert.equal(usage.record(count(40)).total.total, 140);
});

test('usage after the end of a turn counts for that turn', () => {
  const usage = new Usage();
  usage.complete();
  assert.equal(usage.record(count(100)).total.total, 100);
  usage.beginTurn();
  assert.equal(usage.record(count(120)).total.total, 220);
});

test('a turn that begins with its usage is not added to the previous one', () => {
  const usage = new Usage();
  usage.record(count(100));
  usage.complete();
  assert.equal(usage.record(count(120)).total.total, 220);
});

test('modalities are counted apart', () => {
  const usage = new Usage();
  const details = (/** @type {[string, number][]} */ ...counts) => counts.map(([modality, tokenCount]) => ({ modality, tokenCount }));
  usage.record({ promptTokensDetails: details(['AUDIO', 50], ['TEXT', 10]), responseTokensDetails: details(['AUDIO', 5]) });
  usage.complete();
  const { turn, total } = usage.record({ promptTokensDetails: details(['AUDIO', 60], ['IMAGE', 258]) });
  assert.deepEqual(turn.promptBy, { AUDIO: 60, IMAGE: 258 });
  assert.deepEqual(total.promptBy, { AUDIO: 110, TEXT: 10, IMAGE: 258 });
  assert.deepEqual(total.responseBy, { AUDIO: 5 });
});
