// Compiles a component as its framework does, and writes a script that mounts it: `node bundle.mjs FILE.jsx OUT.js`.

import { readFile } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { build } from 'esbuild';
import { compile as compileSvelte } from 'svelte/compiler';
import { compileScript, parse } from 'vue/compiler-sfc';

// Each mounts `Talk`, and unmounts it when the page says so.
const ENTRIES = {
  '.jsx': `
    import { StrictMode } from 'react';
    import { createRoot } from 'react-dom/client';
    import { Talk } from 'TALK';
    const root = createRoot(document.querySelector('#app'));
    root.render(<StrictMode><Talk /></StrictMode>);
    addEventListener('leave', () => root.unmount());`,
  '.vue': `
    import { createApp } from 'vue';
    import Talk from 'TALK';
    const app = createApp(Talk);
    app.mount('#app');
    addEventListener('leave', () => app.unmount());`,
  '.svelte': `
    import { mount, unmount } from 'svelte';
    import Talk from 'TALK';
    const talk = mount(Talk, { target: document.querySelector('#app') });
    addEventListener('leave', () => unmount(talk));`,
};

const COMPILERS = {
  '.vue': (source) => compileScript(parse(source).descriptor, { id: 'talk', inlineTemplate: true }).content,
  '.svelte': (source) => compileSvelte(source, { generate: 'client' }).js.code,
};

const [file, outfile] = process.argv.slice(2);
const kind = extname(file);
const components = {
  name: 'components',
  setup(bundler) {
    bundler.onLoad({ filter: /\.(vue|svelte)$/ }, async ({ path }) => ({
      contents: COMPILERS[kind](await readFile(path, 'utf8')),
      resolveDir: import.meta.dirname,
    }));
  },
};

await build({
  stdin: { contents: ENTRIES[kind].replace('TALK', `./${basename(file)}`), loader: 'jsx', resolveDir: dirname(file) },
  outfile,
  bundle: true,
  format: 'esm',
  jsx: 'automatic',
  // Leaves addresses alone; the frameworks come from the tests' own modules.
  external: ['http://*', 'https://*'],
  nodePaths: [`${import.meta.dirname}/../node_modules`],
  conditions: ['browser', 'development'],
  define: { 'process.env.NODE_ENV': '"development"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
  plugins: [components],
});
