import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Packed, ROOT, TOOLS } from './packed.js';

const packed = new Packed();
after(() => packed.remove());

const STRICT = {
  target: 'ESNext', lib: ['ESNext', 'DOM', 'DOM.Iterable'], jsx: 'react-jsx', types: [], noEmit: true,
  strict: true, exactOptionalPropertyTypes: true,
};

/**
 * Compiles a site's TypeScript.
 * @param {string} folder
 * @param {string} file
 * @param {object} options of the compiler
 */
function compile(folder, file, options) {
  cpSync(join(ROOT, 'tests', 'web', 'package', 'site', file), join(folder, file));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICT, ...options }, include: [file] }));
  execFileSync(join(TOOLS, '.bin', 'tsc'), ['-p', folder], { stdio: ['ignore', 'inherit', 'inherit'] });
}

for (const [module, moduleResolution] of [['ESNext', 'bundler'], ['NodeNext', 'nodenext']]) {
  test(`a page in TypeScript compiles without React (${moduleResolution})`, () => {
    compile(packed.site(`page-${moduleResolution}`), 'page.ts', { module, moduleResolution });
  });

  test(`a component in TypeScript compiles (${moduleResolution})`, () => {
    compile(packed.site(`component-${moduleResolution}`, ['@types', 'csstype']), 'component.tsx', { module, moduleResolution });
  });
}

/**
 * Runs a script in Node.js, beside an installed package.
 * @param {string} page
 * @param {string} script
 * @returns {string} what it prints
 */
function run(page, script) {
  writeFileSync(join(page, 'script.mjs'), script);
  return execFileSync(process.execPath, ['script.mjs'], { cwd: page, encoding: 'utf8' });
}

test('it can be imported where there is no page, and nothing else of it can be', () => {
  const page = packed.site('server', ['react']);
  const entries = ['', '/react', '/widget', '/testing'];
  const internal = ['/live/session.js', '/dist/live/session.js', '/dist/live/media/audio-worklet.js', '/widget/element.js', '/types/live/session.d.ts'];
  const script = `
    const names = {};
    for (const path of ${JSON.stringify(entries)}) names[path] = Object.keys(await import('tokensvc-live' + path));
    for (const path of ${JSON.stringify(internal)}) {
      names[path] = await import('tokensvc-live' + path).then(() => 'imported', ({ code }) => code);
    }
    const { LiveAgent } = await import('tokensvc-live/widget');
    names.defined = LiveAgent.define('my-agent') === LiveAgent;
    console.log(JSON.stringify(names));`;
  assert.deepEqual(JSON.parse(run(page, script)), {
    '': ['LiveError', 'LiveSession'],
    '/react': ['LiveProvider', 'useLiveSession', 'useTool', 'useTranscript'],
    '/widget': ['LiveAgent'],
    '/testing': ['ScriptedTransport'],
    ...Object.fromEntries(internal.map((path) => [path, 'ERR_PACKAGE_PATH_NOT_EXPORTED'])),
    defined: true,
  });
});

test('a server renders its components, and a hook outside of a provider says what is missing', () => {
  const page = packed.site('rendering', ['react', 'react-dom', 'scheduler']);
  const script = `
    import { createElement } from 'react';
    import { renderToString } from 'react-dom/server';
    import { LiveProvider, useLiveSession, useTool, useTranscript } from 'tokensvc-live/react';
    import 'tokensvc-live/widget';
    function Talk() {
      useTool('now', () => 0);
      return [useLiveSession().state, useTranscript().length, createElement('live-agent', { key: 'agent', mode: 'inline' })];
    }
    console.log(renderToString(createElement(LiveProvider, { token: '/token' }, createElement(Talk))));
    for (const hook of [useLiveSession, useTranscript, () => useTool('now', () => 0)]) {
      try { renderToString(createElement(hook)); } catch (error) { console.log(error.message); }
    }`;
  assert.deepEqual(run(page, script).trim().split('\n'), [
    'idle<!-- -->0<live-agent mode="inline"></live-agent>',
    ...['useLiveSession', 'useTranscript', 'useTool'].map((hook) => `${hook}() needs a <LiveProvider> around the component that calls it.`),
  ]);
});

test('the documented test of a site runs as printed', () => {
  const shown = readFileSync(join(ROOT, 'docs', 'npm.md'), 'utf8').match(/^```js\n(import \{ LiveSession.*?)^```/ms)?.[1];
  assert.equal(run(packed.site('tested'), `${shown}\nconsole.log(session.state, api.sent.length); session.close();`), 'live 1\n');
});

test('it carries what is documented', () => {
  const carried = join(packed.site('contents'), 'node_modules', 'tokensvc-live');
  assert.deepEqual(readdirSync(carried).sort(), ['LICENSE', 'README.md', 'dist', 'package.json', 'types']);
  const readme = readFileSync(join(carried, 'README.md'), 'utf8');
  assert.match(readme, /^# The npm package/);
  const links = Array.from(readme.matchAll(/\]\(([^)]+)/g), ([, link]) => link);
  assert.ok(links.length > 0);
  assert.deepEqual(links.filter((link) => !link.startsWith('https://') && !link.startsWith('#')), []);
  assert.deepEqual(readdirSync(join(carried, 'dist')).sort(), ['live', 'react', 'widget']);
  assert.deepEqual(readdirSync(join(carried, 'types')).sort(), ['live', 'react', 'widget']);
  assert.ok(!readdirSync(join(carried, 'types', 'live', 'media')).some((name) => name.includes('worklet-scope')));
});

/** @param {string} folder @returns {string[]} the names of its scripts, folders included */
function scripts(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js')).sort();
}

test('a worklet imports nothing, and is too large to be put into a script as a data: address', () => {
  const carried = join(packed.site('worklets'), 'node_modules', 'tokensvc-live', 'dist', 'live', 'media');
  const worklets = readdirSync(carried).filter((name) => name.endsWith('-worklet.js'));
  assert.deepEqual(worklets, ['audio-worklet.js']);
  for (const name of worklets) {
    const script = readFileSync(join(carried, name), 'utf8');
    assert.doesNotMatch(script, /\bimport\b/, name);
    assert.match(script, /registerProcessor\("tokensvc-/, name);
    assert.ok(script.length > 4096, name); // Vite's limit
  }
});

test('no script tells where it was built, or asks a bundler for a name that it cannot know', () => {
  const carried = join(packed.site('names'), 'node_modules', 'tokensvc-live', 'dist');
  for (const name of scripts(carried)) {
    const script = readFileSync(join(carried, name), 'utf8');
    assert.doesNotMatch(script, /(?:import|new URL)\(`/, name);
    assert.doesNotMatch(script.replace(/new URL\("[^"]+",import\.meta\.url\)/g, ''), /import\.meta/, name);
  }
});
