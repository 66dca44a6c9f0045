import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advise } from '../../../../web/live/connection/advice.js';
import { LiveError } from '../../../../web/live/errors.js';

const TOKEN = 'https://voice.example/base/token';

/**
 * @param {import('node:test').TestContext} context
 * @param {Parameters<typeof advise>} asked
 * @returns {string[]} what the console has then
 */
function warned(context, ...asked) {
  const warn = context.mock.method(console, 'warn', () => {});
  advise(...asked);
  const lines = warn.mock.calls.map(({ arguments: [line] }) => line);
  warn.mock.restore();
  return lines;
}

test('an answer that the browser hides is told with the line that runs the doctor', (context) => {
  const [line] = warned(context, TOKEN, {}, new LiveError('token-service-unreachable', 'Not reached.'));
  assert.match(line, /^POST https:\/\/voice\.example\/base\/token: no readable answer; does the service list .* in origins/);
  assert.ok(line.endsWith('console.table(await (await import("https://voice.example/base/embed/doctor.js")).examine())'), line);
});

test('a refusal that the site has to fix is told with its profile', (context) => {
  const refused = new LiveError('profile-not-allowed', 'You cannot use that profile.', { status: 403 });
  const [line] = warned(context, new URL(TOKEN), { profile: 'typo' }, refused);
  assert.match(line, /profile-not-allowed: You cannot use that profile\./);
  assert.ok(line.endsWith('.examine({"profile":"typo"}))'), line);
});

test('what is temporary, or comes from a function of the page, is not told', (context) => {
  const busy = new LiveError('rate-limited', 'Wait.', { status: 429 });
  assert.deepEqual(warned(context, TOKEN, {}, busy), []);
  assert.deepEqual(warned(context, () => {}, {}, new LiveError('profile-not-allowed', 'No.')), []);
});
