// Builds what the npm package carries, into web/dist and web/types. `npm pack` runs it, from a clean clone too.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WEB = fileURLToPath(new URL('../web', import.meta.url));
const PARTS = ['live', 'react', 'widget'];

/** @param {string} command @param {string[]} args */
function run(command, ...args) {
  execFileSync(command, args, { cwd: WEB, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** @param {string} ending @returns {string[]} */
function files(ending) {
  const within = (part) => readdirSync(join(WEB, part), { recursive: true, encoding: 'utf8' }).map((name) => join(part, name));
  return PARTS.flatMap(within).filter((name) => name.endsWith(ending)).sort();
}

if (!existsSync(join(WEB, 'node_modules'))) run('npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
for (const built of ['dist', 'types']) rmSync(join(WEB, built), { recursive: true, force: true });

run('tsc', '--project', 'tsconfig.json', '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', '.', '--outDir', 'types');
// Those written by hand, except for the worklets' own scope, which no site has.
for (const name of files('.d.ts').filter((each) => !each.startsWith('live/'))) copyFileSync(join(WEB, name), join(WEB, 'types', name));

const scripts = files('.js');
const worklets = scripts.filter((name) => name.endsWith('-worklet.js'));
const widget = scripts.filter((name) => name.startsWith('widget/'));
const modules = scripts.filter((name) => !worklets.includes(name) && !widget.includes(name));
const esbuild = ['--format=esm', '--target=esnext', '--outbase=.', '--outdir=dist', '--log-level=warning'];
run('esbuild', ...modules, '--minify', ...esbuild);
// The widget looks for the service where its module came from; a bundle would tell where the site was built instead.
run('esbuild', ...widget, '--minify', '--define:import.meta.url=undefined', ...esbuild);
// A bundler copies a worklet and does not look inside, so each one carries what it imports. They are not minified: Vite
// would put files of less than 4 KB into the script as `data:` addresses, which a strict Content Security Policy blocks.
run('esbuild', ...worklets, '--bundle', ...esbuild);

// A registry shows the README without the pages beside it.
const { homepage } = JSON.parse(readFileSync(join(WEB, 'package.json'), 'utf8'));
const readme = readFileSync(join(WEB, '../docs/npm.md'), 'utf8').replaceAll(/(?<=\]\()(?!https:|#)/g, new URL('.', homepage).href);
writeFileSync(join(WEB, 'README.md'), readme);
copyFileSync(join(WEB, '../LICENSE'), join(WEB, 'LICENSE'));
