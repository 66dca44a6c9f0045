/** Whatever is called and settled in whatever order, nothing outlives a conversation: see `interleavings/orders.js`. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('interleavings/orders.js', import.meta.url));
const ORDERS = 10_000;
const PROCESSES = 2;

test(`in ${ORDERS} orders nothing outlives a conversation`, async () => {
  const each = ORDERS / PROCESSES;
  const runs = Array.from({ length: PROCESSES }, (_, part) =>
    promisify(execFile)(process.execPath, [PROGRAM, String(1 + part * each), String(each)]),
  );
  for (const { stdout } of await Promise.all(runs)) {
    // Orders that get nowhere prove nothing.
    for (const [what, times] of Object.entries(JSON.parse(stdout))) assert.ok(times > each / 50, `${what}: ${times}`);
  }
});
