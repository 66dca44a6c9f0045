import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const TOOLS = join(ROOT, 'tests', 'node_modules');

/** A page in TypeScript that uses the package; what it must not be able to do is expected to fail. */
const CONSUMER = `
import { LiveError, type SessionEvents, type State } from 'tokensvc-live';
import { LiveSession } from 'https://voice.example/live/session.js';
import { ScriptedTransport } from 'tokensvc-live/live/scripted-transport.js';

const api = new ScriptedTransport({ grant: { features: { tools: [{ name: 'now' }] } } });
const session = new LiveSession({ token: api.token, transport: api.transport, getCredential: async () => 'jwt' });
session.addEventListener('state', ({ detail }) => {
  const state: State = detail.state;
  const code: string | undefined = detail.error?.code;
  console.log(state, code);
});
session.addEventListener('usage', ({ detail: { turn, total } }) => console.log(turn.promptBy.AUDIO + total.total));
session.addEventListener('video', ({ detail }) => console.log(detail?.stream.id));
session.handleTool('now', (_, { signal, schedule }) => (schedule('SILENT'), signal.aborted), { seconds: 5 });
const told = (detail: SessionEvents['timing']): number => detail.milliseconds;
session.start({ microphone: { deviceId: 'a' }, speaker: false }).catch((error: unknown) => {
  if (error instanceof LiveError) console.log(error.retryAfter?.toFixed(), told);
});
// @ts-expect-error there is no such event
session.addEventListener('happy', () => {});
// @ts-expect-error it has no such detail
session.addEventListener('speaking', ({ detail }) => detail.loud);
// @ts-expect-error it is read only
session.state = 'live';
// @ts-expect-error a token source is needed
new LiveSession({});
`;

/** @param {string} language @returns {string} the piece of code in it that the documentation shows */
function documented(language) {
  const text = readFileSync(join(ROOT, 'docs', 'client.md'), 'utf8');
  return text.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms'))?.[1] ?? '';
}

/** @type {string} */
let folder;
/** @type {string} */
let tarball;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  for (const part of ['web', 'docs/client.md', 'LICENSE']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true, filter: (path) => !/\/(types|dist|node_modules)$/.test(path) });
  }
  const PATH = `${join(TOOLS, '.bin')}:${process.env.PATH}`;
  execFileSync('npm', ['pack', '--loglevel=error'], { cwd: join(folder, 'web'), env: { ...process.env, PATH } });
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
  test(`a site in TypeScript compiles against it (${moduleResolution})`, () => {
    const site = join(folder, moduleResolution);
    const installed = join(site, 'node_modules', 'tokensvc-live');
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['xzf', tarball, '-C', installed, '--strip-components=1']);
    symlinkSync(join(TOOLS, '@types'), join(site, 'node_modules', '@types'));
    writeFileSync(join(site, 'package.json'), '{"type": "module"}');
    writeFileSync(join(site, 'page.ts'), CONSUMER);
    writeFileSync(join(site, 'voice.d.ts'), documented('ts'));
    const compilerOptions = { module, moduleResolution, target: 'ESNext', lib: ['ESNext', 'DOM'], strict: true, noEmit: true, types: [] };
    writeFileSync(join(site, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    execFileSync(join(TOOLS, '.bin', 'tsc'), ['-p', site], { encoding: 'utf8', stdio: 'pipe' });
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
    assert.ok(statSync(join(packed, name)).size < statSync(join(written, name)).size, name);
    if (name.endsWith('-worklet.js')) continue; // needs an AudioWorkletGlobalScope
    assert.deepEqual(Object.keys(await import(join(packed, name))), Object.keys(await import(join(written, name))), name);
  }
});
