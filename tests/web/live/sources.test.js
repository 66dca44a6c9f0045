import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sources } from '../../../web/live/sources.js';

const web = (/** @type {string} */ uri, title = '') => ({ web: { uri, title } });
const searched = (/** @type {string} */ renderedContent) => ({ searchEntryPoint: { renderedContent, sdkBlob: 'AA==' } });

test('only sources with a web address are kept', () => {
  const found = new Sources().add(0, {
    webSearchQueries: ['tides', 7, null],
    groundingChunks: [web('https://sea.test/', 'The sea'), web('javascript:alert(1)'), web('data:text/html,x'), {}, null],
  });
  assert.deepEqual(found, { turn: 0, queries: ['tides'], sources: [{ title: 'The sea', url: 'https://sea.test/' }] });
});

test('Search Suggestions are told with the sources of their turn, each once, as they are', () => {
  const sources = new Sources();
  const html = '<style>a{}</style><a href="https://www.google.com/search?q=a">a</a>';
  assert.deepEqual(sources.add(0, searched(html))?.suggestions, [html]);
  assert.equal(sources.add(0, searched(html)), null, 'nothing is new');
  assert.deepEqual(sources.add(0, searched('<a>2</a>'))?.suggestions, [html, '<a>2</a>']);
  assert.equal(sources.add(1, { webSearchQueries: ['a'] })?.suggestions, undefined);
});

test('a flood of sources is bounded', () => {
  const sources = new Sources();
  const told = Array.from({ length: 5000 }, (_, i) =>
    sources.add(0, { webSearchQueries: [`q${i}`], groundingChunks: [web(`https://${i}.test`)], ...searched(`<a>${i}</a>`) }),
  ).filter((found) => found !== null);
  const { queries, sources: kept, suggestions } = told[told.length - 1];
  assert.deepEqual([told.length, queries.length, kept.length, suggestions?.length], [100, 100, 100, 100]);
});
