import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import languages from '../../../web/widget/locales/index.js';
import english from '../../../web/page/words/en.js';

const WEB = new URL('../../../web/', import.meta.url);

for (const tag of Object.keys(languages)) {
  test(`the page has all of its strings in ${tag}`, async () => {
    const { default: strings } = await import(new URL(`page/words/${tag}.js`, WEB).href);
    assert.deepEqual(Object.keys(strings), Object.keys(english));
    for (const [key, text] of Object.entries(strings)) assert.ok(text.trim(), key);
  });
}

test('without a file of strings the page is in English, and each string has its key', () => {
  const page = readFileSync(new URL('index.html', WEB), 'utf8');
  const written = [...page.matchAll(/data-word="([^"]+)">([^<]+)</g)].map(([, key, text]) => [key, text]);
  const labels = [...page.matchAll(/data-label="([^"]+)" aria-label="([^"]+)"/g)].map(([, key, text]) => [key, text]);
  assert.ok(written.length > 5 && labels.length > 0);
  for (const [key, text] of [...written, ...labels]) assert.equal(/** @type {Record<string, string>} */ (english)[key], text);
});
