import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const TOOLS = join(ROOT, 'tests', 'node_modules');

const SITE = join(ROOT, 'tests', 'web', 'typescript');

/** @param {string} start @returns {string} the piece of TypeScript in the documentation that starts with this */
function documented(start) {
  const text = readFileSync(join(ROOT, 'docs', 'client.md'), 'utf8');
  const [, piece] = text.match(new RegExp(`^\`\`\`ts\\n(${start}.*?)^\`\`\``, 'ms')) ?? [];
  assert.ok(piece, start);
  return piece;
}

/** @type {string} */
let folder;
/** @type {string} */
let tarball;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  for (const part of ['web', 'docs/npm.md', 'tools/npm_package.mjs', 'LICENSE']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true, filter: (path) => !/\/(types|dist|node_modules)$/.test(path) });
  }
  symlinkSync(TOOLS, join(folder, 'web', 'node_modules'));
  execFileSync('npm', ['pack', '--loglevel=error'], { cwd: join(folder, 'web'), stdio: ['ignore', 'ignore', 'inherit'] });
  tarball = join(folder, 'web', /** @type {string} */ (readdirSync(join(folder, 'web')).find((name) => name.endsWith('.tgz'))));
});
after(() => rmSync(folder, { recursive: true }));

test('publint finds nothing', async () => {
  const { buffer, byteOffset, byteLength } = readFileSync(tarball);
  const packed = /** @type {ArrayBuffer} */ (buffer).slice(byteOffset, byteOffset + byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: packed } });
  assert.deepEqual(messages.map((message) => formatMessage(message, pkg ?? {})), []);
});

for (const [module, moduleResolution] of [['ESNext', 'bundler'], ['NodeNext', 'nodenext']]) {
  test(`a strict site that uses everything, and the documented types, compile against it (${moduleResolution})`, () => {
    const site = join(folder, moduleResolution);
    const installed = join(site, 'node_modules', 'tokensvc-live');
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['xzf', tarball, '-C', installed, '--strip-components=1']);
    symlinkSync(join(TOOLS, '@types'), join(site, 'node_modules', '@types'));
    writeFileSync(join(site, 'package.json'), '{"type": "module"}');
    cpSync(SITE, site, { recursive: true });
    writeFileSync(join(site, 'voice.d.ts'), documented('declare module'));
    const reference = documented('export class LiveSession');
    writeFileSync(join(site, 'documented.d.ts'), `import type { Described } from 'tokensvc-live';\n${reference}`);
    const options = { extends: './tsconfig.json', compilerOptions: { module, moduleResolution } };
    writeFileSync(join(site, 'tsconfig.here.json'), JSON.stringify(options));
    const { status, stdout } = spawnSync(join(TOOLS, '.bin', 'tsc'), ['-p', join(site, 'tsconfig.here.json')], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
    for (const file of ['README.md', 'LICENSE']) assert.ok(readFileSync(join(installed, file)).length > 0, file);
  });
}

/** @param {string} folder @returns {string[]} the names of its scripts, folders included */
function scripts(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js')).sort();
}

test('every module is its own minified file, with the same name and exports', async () => {
  const packed = join(folder, 'bundler', 'node_modules', 'tokensvc-live', 'dist', 'live');
  const written = join(ROOT, 'web', 'live');
  assert.deepEqual(scripts(packed), scripts(written));
  for (const name of scripts(written)) {
    if (name.endsWith('-worklet.js')) continue; // carries what it imports: tests/web/package/entries.test.js
    assert.ok(statSync(join(packed, name)).size < statSync(join(written, name)).size, name);
    assert.deepEqual(Object.keys(await import(join(packed, name))), Object.keys(await import(join(written, name))), name);
  }
});
