import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LiveSession } from '../../../web/live/session.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** @param {string} folder @param {RegExp} names @returns {string} all that is in its files */
const read = (folder, names) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => names.test(basename(name)))
    .map((name) => readFileSync(join(ROOT, folder, name), 'utf8'))
    .join('\n');

const CLIENT = read('web/live', /\.js$/);
const DOCUMENT = read('docs', /^client\.md$/);
/** The page of errors; `*` in a code stands for each device. */
const ERRORS = read('docs/reference', /^errors\.md$/);
const TESTS = read('tests/web', /^(?!documented).*\.js$/) + read('tests/browser', /\.py$/);
/** The site that is compiled against the client, and the types in the document, which are compared with its own. */
const SITE = read('tests/web/typescript', /^everything\.ts$/);
const REFERENCE = DOCUMENT.slice(DOCUMENT.indexOf('\n## Reference\n'));

/**
 * @param {string} text
 * @param {RegExp} pattern with one group, or with none for the whole of it
 * @returns {string[]} each once
 */
const found = (text, pattern) => [...new Set(Array.from(text.matchAll(pattern), ([whole, group]) => group ?? whole))];

/** @param {string} name @returns {string[]} the properties of a type that a comment declares */
function properties(name) {
  const comment = CLIENT.match(new RegExp(`@typedef \\{object\\} ${name}\\n(?: \\* .*\\n)+`))?.[0] ?? '';
  return found(comment, /@property \{.*\} \[?(\w+)/g);
}

const devices = ['microphone', 'camera', 'screen', 'speaker'];
const codes = [
  ...found(CLIENT, /new LiveError\(\s*'([a-z-]+)'/g),
  ...found(CLIENT, /\bas: '([a-z-]+)'/g),
  ...found(CLIENT, /content\.code : '([a-z-]+)'/g),
  ...found(CLIENT, /new LiveError\(`\$\{device\}(-[a-z]+)`/g).flatMap((end) => devices.map((device) => device + end)),
];

/** The public names; read from the code, so that new ones are included. */
const session = new LiveSession({ token: '/token' });
const SURFACE = {
  event: properties('SessionEvents').filter((name) => name !== 'name' && name !== 'milliseconds'),
  'option of start': properties('StartOptions'),
  'option of the constructor': found(CLIENT, /@param \{.*\} \[?options\.(token|getCredential|headers|credentials|transport)\b/g),
  'option of a device': properties('DeviceOptions'),
  'option of handleTool': properties('ToolOptions'),
  'part of a call': properties('ToolCall'),
  'name of a time': found(CLIENT.match(/@property \{('mint'.*)\} name/)?.[1] ?? '', /[a-z-]+/g),
  'member of the session': [...Object.getOwnPropertyNames(LiveSession.prototype), ...Object.getOwnPropertyNames(session), 'on'].filter(
    (name) => name !== 'constructor' && name !== 'emit',
  ),
  'part of a snapshot': Object.keys(session.getSnapshot()),
  'code of an error': [...new Set(codes)],
};

for (const [kind, names] of Object.entries(SURFACE)) {
  test(`names are found: ${kind}`, () => assert.ok(names.length > 0));
  for (const name of names) {
    test(`${kind} ${name} is documented and tested`, () => {
      if (kind === 'code of an error') {
        const shared = name.replace(/^(microphone|camera|screen|speaker)-/, '*-');
        assert.ok(ERRORS.includes(`\n| \`${name}\` |`) || ERRORS.includes(`\n| \`${shared}\` |`), 'in docs/reference/errors.md');
      } else {
        assert.ok(new RegExp(`\`[^\`\\n]*(?<![\\w-])${name}(?![\\w-])[^\`\\n]*\``).test(DOCUMENT), 'in docs/client.md');
      }
      const word = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
      assert.ok(word.test(TESTS), 'in a test');
      assert.ok(word.test(REFERENCE), 'in the reference');
      // Codes are a union: each is compared with the reference.
      assert.ok(kind === 'code of an error' || kind === 'name of a time' || word.test(SITE), 'in the site in TypeScript');
    });
  }
}

test('the codes in the reference are those of the client and of the service, and no others', () => {
  const documented = found(REFERENCE.slice(REFERENCE.indexOf('type LiveErrorCode')), /'([a-z-]+)'/g);
  const service = found(readFileSync(join(ROOT, 'tokensvc', 'errors.py'), 'utf8'), /\bcode="([a-z-]+)"/g);
  assert.deepEqual(documented.sort(), [...new Set([...codes, ...service])].sort());
});
