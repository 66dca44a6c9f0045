import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from '../../../../web/live/connection/protocol.js';

const everyByte = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 7) % 256);

test('bytes of any length survive a round trip', () => {
  assert.deepEqual(decode(encode(everyByte)), everyByte);
});

test('the text is standard base64', () => {
  assert.equal(encode(everyByte), Buffer.from(everyByte).toString('base64'));
  assert.equal(encode(new Uint8Array()), '');
});

test('a browser with native base64 gives the same result', () => {
  const bytes = Object.assign(new Uint8Array([1, 2, 3]), { toBase64: () => 'AQID' });
  assert.equal(encode(bytes), encode(new Uint8Array([1, 2, 3])));
});
