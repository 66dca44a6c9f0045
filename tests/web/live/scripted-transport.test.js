import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ScriptedTransport } from '../../../web/live/scripted-transport.js';
import { LiveSession } from '../../../web/live/session.js';

const SILENTLY = { microphone: false, speaker: /** @type {const} */ (false) };

test('the documented test of a page runs as printed', () => {
  const document = readFileSync(new URL('../../../docs/client.md', import.meta.url), 'utf8');
  const shown = Array.from(document.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code).find((code) => code.includes('ScriptedTransport'));
  const script = (shown ?? 'throw new Error("not shown")')
    .replace("'tokensvc-live'", `'${new URL('../../../web/live/session.js', import.meta.url)}'`)
    .replace("'tokensvc-live/testing'", `'${new URL('../../../web/live/scripted-transport.js', import.meta.url)}'`);
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  assert.equal(printed, "{ realtimeInput: { text: 'Good morning' } }\n");
});

test('a script answers messages and records requests', async () => {
  const api = new ScriptedTransport({
    grant: { features: { text: true } },
    answer: ({ realtimeInput }) => realtimeInput?.text && [{ serverContent: { outputTranscription: { text: 'Echo' } } }],
  });
  const session = new LiveSession({ token: api.token, transport: api.transport });
  /** @type {string[]} */
  const said = [];
  session.addEventListener('transcript', ({ detail }) => said.push(detail.text));
  await session.start({ ...SILENTLY, profile: 'tour' });
  assert.equal(session.features?.text, true);
  const heard = new Promise((resolve) => session.addEventListener('transcript', ({ detail }) => detail.side === 'agent' && resolve(0)));
  session.sendText('Hello');
  await heard;
  assert.deepEqual(said, ['Hello', 'Echo']);
  assert.deepEqual(api.requests, [{ profile: 'tour', options: undefined }]);
  session.close();
});

test('after a hang-up nothing more arrives', async () => {
  const api = new ScriptedTransport();
  const session = new LiveSession({ token: api.token, transport: api.transport });
  await session.start(SILENTLY);
  let events = 0;
  session.close();
  session.addEventListener('transcript', () => (events += 1));
  api.respond('Too late');
  await Promise.resolve();
  api.respond('Later still');
  assert.equal(events, 0);
});
