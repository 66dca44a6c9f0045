import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const WEB = fileURLToPath(new URL('../../web/', import.meta.url));
/** Modules of `live/` that both of its packages may import; they import nothing. */
const SHARED = ['live/errors.js', 'live/waiting.js'];
/** What each package may import besides itself; the longest prefix of a module's path decides. */
const ALLOWED = {
  'live/errors.js': [],
  'live/waiting.js': [],
  'live/connection/': SHARED,
  'live/media/': SHARED,
  'live/': [],
  'react/': ['live/'],
  'widget/': ['live/'],
  'page/': ['live/', 'widget/'],
  'embed/': ['live/', 'widget/', 'page/elements.js'],
};
const MODULES = readdirSync(WEB, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.js') && name.includes('/') && !/^(node_modules|types|dist)\//.test(name));

/** @param {string} module @returns {string[]} what it imports, types and worklets included */
function importsOf(module) {
  const text = readFileSync(join(WEB, module), 'utf8');
  const addresses = [...text.matchAll(/(?:from |import\(|new URL\()'(\.\.?\/[^']+\.js)'/g)].map(([, address]) => address);
  return addresses.map((address) => normalize(join(dirname(module), address)));
}

for (const module of MODULES) {
  test(`${module} imports nothing from a package above or beside its own`, () => {
    const home = Object.keys(ALLOWED).filter((prefix) => module.startsWith(prefix)).sort((a, b) => b.length - a.length)[0];
    assert.ok(home !== undefined, 'in a known package');
    const allowed = [home, .../** @type {Record<string, string[]>} */ (ALLOWED)[home]];
    assert.deepEqual(importsOf(module).filter((other) => !allowed.some((prefix) => other.startsWith(prefix))), []);
  });
}

test('the public address imports both packages', () => {
  const imported = importsOf('live/session.js');
  assert.ok(imported.some((name) => name.startsWith('live/connection/')));
  assert.ok(imported.some((name) => name.startsWith('live/media/')));
});
