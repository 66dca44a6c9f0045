import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../../../web/live/schema.js';

/** @type {import('../../../web/live/schema.js').Schema} */
const ORDER = {
  type: 'OBJECT',
  required: ['number'],
  properties: {
    number: { type: 'INTEGER' },
    size: { type: 'STRING', enum: ['small', 'large'] },
    note: { type: 'STRING', nullable: true },
    parts: { type: 'ARRAY', items: { type: 'OBJECT', required: ['id'], properties: { id: { type: 'STRING' } } } },
    price: { type: ['number', 'null'] },
    anything: {},
    gift: { type: 'BOOLEAN' },
    when: { type: 'TYPE_UNSPECIFIED' },
  },
};

for (const args of [
  { number: 1 },
  { number: 1, size: 'small', note: null, parts: [{ id: 'a' }], price: null, anything: [1], gift: false, when: 3 },
  { number: 1, unheard: 'of' },
]) {
  test(`as declared: ${JSON.stringify(args)}`, () => assert.doesNotThrow(() => check(args, ORDER)));
}

for (const [args, sentence] of /** @type {[unknown, RegExp][]} */ ([
  [{}, /^args\.number is missing\.$/],
  [{ number: 1.5 }, /^args\.number must be of type integer\.$/],
  [{ number: '1' }, /^args\.number must be of type integer\.$/],
  [{ number: 1, size: 'huge' }, /^args\.size must be one of \["small","large"\]\.$/],
  [{ number: 1, note: 3 }, /^args\.note must be of type string or null\.$/],
  [{ number: 1, parts: {} }, /^args\.parts must be of type array\.$/],
  [{ number: 1, parts: [{ id: 'a' }, {}] }, /^args\.parts\[1\]\.id is missing\.$/],
  [{ number: 1, price: 'free' }, /^args\.price must be of type number or null\.$/],
  [{ number: 1, gift: 'yes' }, /^args\.gift must be of type boolean\.$/],
  [[], /^args must be of type object\.$/],
  [null, /^args must be of type object\.$/],
])) {
  test(`not as declared: ${JSON.stringify(args)}`, () => assert.throws(() => check(args, ORDER), { message: sentence }));
}
