/** Packs the npm package once, and installs it for sites. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
/** The tests' own packages. */
export const TOOLS = join(ROOT, 'tests', 'node_modules');

const SOURCES = ['web', 'docs/npm.md', 'tools/npm_package.mjs', 'LICENSE'];

/** A folder for sites, and the package. */
export class Packed {
  #folder = mkdtempSync(join(tmpdir(), 'packed-'));
  #tarball;

  constructor() {
    const clone = join(this.#folder, 'clone');
    for (const source of SOURCES) {
      cpSync(join(ROOT, source), join(clone, source), { recursive: true, filter: (path) => !/\/(types|dist|node_modules)$/.test(path) });
    }
    const web = join(clone, 'web');
    symlinkSync(TOOLS, join(web, 'node_modules'));
    execFileSync('npm', ['pack', '--loglevel=error'], { cwd: web, stdio: ['ignore', 'ignore', 'inherit'] });
    this.#tarball = join(web, readdirSync(web).filter((name) => name.endsWith('.tgz'))[0]);
  }

  /**
   * @param {string} name
   * @param {string[]} [packages] of the tests
   * @returns {string} the folder of a new site in which the package and these are installed
   */
  site(name, packages = []) {
    const modules = join(this.#folder, name, 'node_modules');
    const installed = join(modules, 'tokensvc-live');
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['xzf', this.#tarball, '-C', installed, '--strip-components=1']);
    for (const each of packages) symlinkSync(join(TOOLS, each), join(modules, each));
    return join(this.#folder, name);
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }
}
