import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenSource, problem } from '../../../../web/live/connection/token-source.js';

const GRANT = { token: 'auth_tokens/t', websocket_url: 'wss://voice.test/live', setup: { model: 'models/m' }, expires_in: 300 };
const { signal } = new AbortController();

/** A token service that answers from a list and records the requests. */
class Service {
  /** @type {{address: string, request: any}[]} */
  asked = [];
  #answers;

  /** @param {...(Response | Error)} answers */
  constructor(...answers) {
    this.#answers = answers;
  }

  /** @type {typeof fetch} */
  fetch = async (address, request) => {
    this.asked.push({ address: String(address), request });
    const answer = this.#answers.shift();
    if (answer instanceof Response) return answer;
    throw answer;
  };
}

test('a request carries the choice and the credential, and no cookies', async () => {
  const service = new Service(Response.json(GRANT));
  const source = new TokenSource('/token', { fetch: service.fetch, getCredential: () => 'jwt' });
  const grant = await source.grant({ profile: 'tour', options: { voice: 'Kore' } }, signal);
  assert.equal(grant.token, GRANT.token);
  const [{ address, request }] = service.asked;
  assert.equal(address, '/token');
  assert.equal(request.method, 'POST');
  assert.deepEqual(JSON.parse(request.body), { profile: 'tour', options: { voice: 'Kore' } });
  assert.equal(request.headers.Authorization, 'Bearer jwt');
  assert.equal(request.credentials, 'omit');
});

test('a guest sends no credential', async () => {
  const service = new Service(Response.json(GRANT));
  await new TokenSource('/token', { fetch: service.fetch }).grant({}, signal);
  assert.ok(!('Authorization' in service.asked[0].request.headers));
  assert.equal(service.asked[0].request.body, '{}');
});

test('a lifetime counts from the request, by the monotonic clock', async () => {
  let time = 5000;
  const source = new TokenSource(
    async () => {
      time += 400;
      return GRANT;
    },
    { clock: () => time },
  );
  assert.equal((await source.grant({}, signal)).endsAt, 5000 + 300_000);
});

test('a function of the page may return the grant instead', async () => {
  /** @type {unknown} */
  let asked;
  const source = new TokenSource(async (choice) => {
    asked = choice;
    return GRANT;
  });
  assert.equal((await source.grant({ profile: 'p' }, signal)).token, GRANT.token);
  assert.deepEqual(asked, { profile: 'p' });
});

test('a refused credential is requested again, once', async () => {
  const refusal = { code: 'credential-expired', detail: 'Your sign-in has expired. Sign in again.', retryable: false };
  const service = new Service(
    Response.json(refusal, { status: 401 }),
    Response.json(refusal, { status: 401 }),
  );
  /** @type {boolean[]} */
  const situations = [];
  const source = new TokenSource('/token', {
    fetch: service.fetch,
    getCredential: ({ refused }) => {
      situations.push(refused);
      return refused ? 'fresh' : 'stale';
    },
  });
  await assert.rejects(source.grant({}, signal), { code: 'credential-expired', status: 401, message: refusal.detail });
  assert.deepEqual(situations, [false, true]);
  assert.deepEqual(service.asked.map(({ request }) => request.headers.Authorization), ['Bearer stale', 'Bearer fresh']);
});

test("a refusal keeps the service's code, message and advice", async () => {
  const answer = { code: 'too-many-requests', detail: 'Too many conversations. Wait a minute.', retryable: true };
  const service = new Service(Response.json(answer, { status: 429 }));
  await assert.rejects(new TokenSource('/token', { fetch: service.fetch }).grant({}, signal), {
    name: 'LiveError',
    code: 'too-many-requests',
    message: answer.detail,
    retryable: true,
    status: 429,
  });
});

test('the Retry-After of the service is kept', async () => {
  const answer = () => Response.json({ code: 'rate-limited' }, { status: 429, headers: { 'Retry-After': '7' } });
  const source = new TokenSource('/token', { fetch: new Service(answer()).fetch });
  await assert.rejects(source.grant({}, signal), { code: 'rate-limited', retryAfter: 7 });
});

test('a conversation is continued with its lease, whose times are counted too', async () => {
  const service = new Service(Response.json({ ...GRANT, lease: 'l', lease_expires_in: 1800 }));
  const source = new TokenSource('/token', { fetch: service.fetch, clock: () => 1000 });
  const grant = await source.grant({ lease: 'l', resumption_handle: 'h' }, signal);
  assert.deepEqual(JSON.parse(service.asked[0].request.body), { lease: 'l', resumption_handle: 'h' });
  assert.equal(grant.leaseEndsAt, 1000 + 1_800_000);
});

test('a proxy that answers with HTML is reported with a message', async () => {
  const service = new Service(new Response('<h1>Bad gateway</h1>', { status: 502 }));
  await assert.rejects(new TokenSource('/token', { fetch: service.fetch }).grant({}, signal), {
    code: 'request-refused',
    retryable: true,
    message: /\(502\).*later\.$/,
  });
});

test('an unreachable service is retryable', async () => {
  const service = new Service(new TypeError('Failed to fetch'));
  await assert.rejects(new TokenSource('/token', { fetch: service.fetch }).grant({}, signal), {
    code: 'token-service-unreachable',
    retryable: true,
  });
});

test('hanging up during a request is not reported as an unreachable service', async () => {
  const hangUp = new AbortController();
  const reason = new Error('hung up');
  hangUp.abort(reason);
  const service = new Service(new DOMException('aborted', 'AbortError'));
  await assert.rejects(new TokenSource('/token', { fetch: service.fetch }).grant({}, hangUp.signal), reason);
});

test('a conversation that is over frees its place, even as the page closes', () => {
  const service = new Service(new Response(null, { status: 204 }));
  const source = new TokenSource('https://site.test/voice/token', { fetch: service.fetch, getCredential: () => 'jwt' });
  source.end({ ...GRANT, lease: 'l' });
  const [{ address, request }] = service.asked;
  assert.equal(address, 'https://site.test/voice/lease/end');
  assert.deepEqual([request.method, request.keepalive, request.body], ['POST', true, '{"lease":"l"}']);
  assert.equal(request.headers['Content-Type'], 'application/json');
});

test('a failure to free the place is not an error', async () => {
  const service = new Service(new TypeError('Failed to fetch'));
  new TokenSource('https://site.test/token', { fetch: service.fetch }).end({ ...GRANT, lease: 'l' });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(service.asked.length, 1);
});

test('a grant without a lease frees no place', () => {
  const service = new Service();
  new TokenSource('https://site.test/token', { fetch: service.fetch }).end(GRANT);
  assert.deepEqual(service.asked, []);
});

test('a function of the page is told of the end, and nothing is fetched', () => {
  const service = new Service();
  let ends = 0;
  const source = new TokenSource(async () => GRANT, { fetch: service.fetch });
  source.end({ ...GRANT, lease: 'l', end: () => (ends += 1) });
  source.end({ ...GRANT, lease: 'l' });
  assert.deepEqual([ends, service.asked], [1, []]);
});

test('a token granted after the hang-up is released', async () => {
  const hangUp = new AbortController();
  let ends = 0;
  const source = new TokenSource(async () => {
    hangUp.abort(new Error('hung up'));
    return { ...GRANT, end: () => (ends += 1) };
  });
  await assert.rejects(source.grant({}, hangUp.signal), /hung up/);
  assert.equal(ends, 1);
});

for (const [fault, answer] of Object.entries({
  'no token': { ...GRANT, token: undefined },
  'no address': { ...GRANT, websocket_url: undefined },
  'an http address for the socket': { ...GRANT, websocket_url: 'https://voice.test' },
  'no setup': { ...GRANT, setup: null },
  'no object': 'token',
  nothing: null,
})) {
  test(`an answer with ${fault} is refused`, async () => {
    const source = new TokenSource(async () => /** @type {any} */ (answer));
    await assert.rejects(source.grant({}, signal), { code: 'token-answer-invalid', retryable: false });
  });
}

test('the status decides whether an error is retryable if the service does not say', () => {
  const advice = [400, 403, 429, 500, 503].map((status) => problem(status, null).retryable);
  assert.deepEqual(advice, [false, false, true, true, true]);
});

test('a prefetched credential is used once', async () => {
  const service = new Service(Response.json(GRANT), Response.json(GRANT));
  let asked = 0;
  const source = new TokenSource('https://site.test/token', { fetch: service.fetch, getCredential: () => `jwt-${(asked += 1)}` });
  await Promise.all([source.warm(), source.warm()]);
  assert.equal(asked, 1, 'single flight');
  assert.equal(service.asked.length, 0, 'no token is asked for');
  await source.grant({}, signal);
  await source.grant({}, signal);
  assert.deepEqual(service.asked.map(({ request }) => request.headers.Authorization), ['Bearer jwt-1', 'Bearer jwt-2']);
});

test('a prefetched credential that is old or failed is requested again', async () => {
  const service = new Service(Response.json(GRANT), Response.json(GRANT));
  let time = 0;
  let asked = 0;
  const source = new TokenSource('https://site.test/token', {
    fetch: service.fetch,
    clock: () => time,
    getCredential: async () => {
      asked += 1;
      if (asked === 1) throw new Error('not signed in yet');
      return `jwt-${asked}`;
    },
  });
  await source.warm();
  await source.grant({}, signal);
  await source.warm();
  time += 60_000;
  await source.grant({}, signal);
  assert.deepEqual(service.asked.map(({ request }) => request.headers.Authorization), ['Bearer jwt-2', 'Bearer jwt-4']);
});

test('the time to get a token is reported', async () => {
  let time = 0;
  /** @type {[string, number][]} */
  const told = [];
  const source = new TokenSource(async () => ((time += 120), GRANT), {
    clock: () => time,
    timed: (name, milliseconds) => told.push([name, milliseconds]),
  });
  await source.grant({}, signal);
  assert.deepEqual(told, [['mint', 120]]);
});
