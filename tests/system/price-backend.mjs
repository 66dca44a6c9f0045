/** A backend in Node that serves a tool: it verifies who is asking by the keys that the service publishes. */

import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const PRICES = { tea: 3, coffee: 4 };
/** @type {ReturnType<typeof createRemoteJWKSet> | undefined} */
let keys;

const server = createServer(async (request, response) => {
  const body = JSON.parse((await request.toArray()).join('') || '{}');
  const answer = (/** @type {number} */ status, /** @type {object} */ content) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(content));
  if (request.url === '/trust') {
    keys = createRemoteJWKSet(new URL(`${body.service}/.well-known/jwks.json`));
    answer(200, {});
    return;
  }
  const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  try {
    const audience = `http://${request.headers.host}`;
    const { payload } = await jwtVerify(token, /** @type {any} */ (keys), { audience, typ: 'tokensvc-tool+jwt' });
    const item = decodeURIComponent((request.url ?? '').replace('/prices/', ''));
    answer(200, { price: PRICES[/** @type {'tea'} */ (item)] ?? null, customer: payload.sub, tool: payload.tool });
  } catch {
    answer(401, {});
  }
});
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`Listening at: http://127.0.0.1:${port}`);
});
