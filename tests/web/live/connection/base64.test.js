import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from '../../../../web/live/connection/base64.js';

const everyByte = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 7) % 256);

test('any bytes survive the way there and back, however many', () => {
  assert.deepEqual(decode(encode(everyByte)), everyByte);
});

test('the text is what the rest of the world writes', () => {
  assert.equal(encode(everyByte), Buffer.from(everyByte).toString('base64'));
  assert.equal(encode(new Uint8Array()), '');
});

test('a browser with base64 of its own gives the same', () => {
  const bytes = Object.assign(new Uint8Array([1, 2, 3]), { toBase64: () => 'AQID' });
  assert.equal(encode(bytes), encode(new Uint8Array([1, 2, 3])));
});
