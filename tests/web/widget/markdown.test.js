import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { harmless } from '../../../web/widget/links.js';
import { parse, plain } from '../../../web/widget/markdown.js';

/** @param {string} text @returns {unknown} the pieces of its only block */
function pieces(text) {
  const [block, ...others] = parse(text);
  assert.deepEqual(others, []);
  return 'inside' in block ? block.inside.map((piece) => (typeof piece === 'string' ? piece : [piece.kind, ...('address' in piece ? [piece.address.href] : [])])) : block;
}

describe('a line of an answer', () => {
  for (const [text, expected] of Object.entries({
    '**bold** and *italic*': [['strong'], ' and ', ['em']],
    'also _italic_, `code`': ['also ', ['em'], ', ', ['code']],
    '[here](https://a.test/x)': [['link', 'https://a.test/x']],
    '[here](https://a.test/x "a title").': [['link', 'https://a.test/x'], '.'],
    'See https://a.test/b_(c).': ['See ', ['link', 'https://a.test/b_(c)'], '.'],
    '(https://a.test/b)': ['(', ['link', 'https://a.test/b'], ')'],
    '请看https://a.test/b，谢谢': ['请看', ['link', 'https://a.test/b'], '，谢谢'],
    'mailto:help@a.test!': [['link', 'mailto:help@a.test'], '!'],
  })) {
    test(`has marks: ${text}`, () => assert.deepEqual(pieces(text), expected));
  }

  for (const text of [
    '2 * 3 * 4', 'get_local_time', '__init__', 'a * b*', '**', '****', '** no **', '`', '[a](b)', '[a](javascript:x)', '[a](JaVaScRiPt:x)',
    '[a](data:text/html,x)', '![a](x)', 'https://bank.test@evil.test/', 'https://user:word@evil.test/', 'mailto:a@b.test?subject=x', 'ftp://a.test',
    // What may be closed later.
    '**bold', '*ital', '`cod', '[here](https', '[here]',
  ]) {
    test(`stays text: ${text}`, () => assert.deepEqual(pieces(text), [text]));
  }
});

test('an answer has paragraphs, headings, lists within lists and code', () => {
  const blocks = parse('# A *b*\n\none\ntwo\n\n- a\n  - b\n- c\n\n3. d\n\n4) e\n```js\n**x**\n```\nend');
  assert.deepEqual(blocks.map(({ kind }) => kind), ['heading', 'text', 'list', 'list', 'code', 'text']);
  const [, , dotted, numbered] = blocks;
  assert.ok(dotted.kind === 'list' && numbered.kind === 'list');
  assert.deepEqual(dotted.items.map(({ depth, first }) => [depth, first]), [[0, null], [1, null], [0, null]]);
  assert.deepEqual(numbered.items.map(({ first }) => first), [3, 4]);
});

test('code that is not closed yet is code', () => {
  assert.deepEqual(parse('```\n**x**'), [{ kind: 'code', text: '**x**' }]);
});

test('it is read out without marks, and without what a link hides', () => {
  assert.equal(plain('## A **b**\n\n- [c](https://c.test/) `d`\n\n1. e_f'), 'A b\nc d\n1. e_f');
});

test('of a long answer the rest is plain text, and nothing is lost', () => {
  const text = '- a **b**\n'.repeat(2000);
  const blocks = parse(text);
  assert.ok(blocks.length <= 2);
  assert.equal(plain(text).match(/a/g)?.length, 2000);
});

for (const piece of ['*', '**a ', '** a', '[', '[a](', '`a', '_a', ' _a', '# ', '- a\n', '```\n', 'https://a', '(https://a.test/', '**a *b ', '\n\n', ' ', '1. ']) {
  test(`any answer is read quickly: ${JSON.stringify(piece)}`, () => {
    const began = performance.now();
    parse(`${piece.repeat(20_000 / piece.length)}x`);
    assert.ok(performance.now() - began < 1000);
  });
}

test('only web pages and e-mail addresses are harmless', () => {
  for (const url of ['https://a.test/', 'http://a.test', 'HTTPS://A.test', 'mailto:a@b.test']) assert.ok(harmless(url), url);
  for (const url of ['javascript:x', ' javascript:x', 'java\nscript:x', 'data:,x', 'blob:https://a.test/x', 'file:///x', '//a.test', '/x', '', 'https://', 'https://b@a.test/']) {
    assert.equal(harmless(url), null, url);
  }
});
