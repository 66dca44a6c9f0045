import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steadyClock } from '../../../../web/live/waiting.js';
import { LiveError } from '../../../../web/live/errors.js';
import { TokenSource, problem } from '../../../../web/live/connection/token-source.js';
import { TestClock } from '../../test-clock.js';

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

test('a request carries the choice and the credential, and cookies only to its own origin', async () => {
  const service = new Service(Response.json(GRANT));
  const source = new TokenSource('/token', { fetch: service.fetch, getCredential: () => 'jwt' });
  const grant = await source.grant({ profile: 'tour', options: { voice: 'Kore' } }, signal);
  assert.equal(grant.token, GRANT.token);
  const [{ address, request }] = service.asked;
  assert.equal(address, '/token');
  assert.equal(request.method, 'POST');
  assert.deepEqual(JSON.parse(request.body), { profile: 'tour', options: { voice: 'Kore' } });
  assert.equal(request.headers.Authorization, 'Bearer jwt');
  assert.equal(request.credentials, 'same-origin');
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
    { clock: { ...steadyClock, now: () => time } },
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
  const source = new TokenSource('/token', { fetch: service.fetch, clock: { ...steadyClock, now: () => 1000 } });
  source.usage = () => ({ seconds: 3 });
  const grant = await source.grant({ lease: 'l', resumption_handle: 'h' }, signal);
  assert.deepEqual(JSON.parse(service.asked[0].request.body), { lease: 'l', resumption_handle: 'h', usage: { seconds: 3 } });
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

test('an answer that is cut off is retryable, whether the network or the text tells', async () => {
  const cut = new ReadableStream({
    start(body) {
      body.enqueue(new TextEncoder().encode('{"token":'));
      body.error(new TypeError('network error'));
    },
  });
  for (const [answer, code] of /** @type {[Response, string][]} */ ([
    [new Response(cut), 'token-service-unreachable'],
    [new Response('{"token":'), 'token-answer-invalid'],
    [new Response(''), 'token-answer-invalid'],
  ])) {
    const source = new TokenSource('/token', { fetch: new Service(answer).fetch });
    await assert.rejects(source.grant({}, signal), { code, retryable: true });
  }
});

for (const [what, getCredential] of /** @type {[string, () => any][]} */ ([
  ['rejects', () => Promise.reject(new TypeError('Failed to fetch'))],
  ['throws', () => assert.fail('a mistake')],
  ['rejects with nothing', () => Promise.reject()],
])) {
  test(`a credential function that ${what} is a retryable error`, async () => {
    const service = new Service();
    const source = new TokenSource('/token', { fetch: service.fetch, getCredential });
    await assert.rejects(source.grant({}, signal), { code: 'credential-unavailable', retryable: true });
    assert.deepEqual(service.asked, []);
  });
}

test('a function of the page that rejects prevents a conversation, and does not end one', async () => {
  const source = new TokenSource(() => Promise.reject(new TypeError('Failed to fetch')));
  await assert.rejects(source.grant({}, signal), TypeError);
  await assert.rejects(source.grant({}, signal, true), { code: 'token-service-unreachable', retryable: true });
  const own = new LiveError('blocked', 'Not now.');
  await assert.rejects(new TokenSource(() => Promise.reject(own)).grant({}, signal), own);
});

for (const [what, code, source, options] of /** @type {[string, string, any, object][]} */ ([
  ['credential function', 'credential-unavailable', '/token', { getCredential: () => new Promise(() => {}) }],
  ['token function', 'token-service-unreachable', () => new Promise(() => {}), {}],
])) {
  test(`a ${what} that never settles is given up, and leaves no timer after a hang-up`, async () => {
    const clock = new TestClock();
    const tokens = new TokenSource(source, { clock, ...options });
    const overdue = assert.rejects(tokens.grant({}, signal), { code, retryable: true });
    await new Promise((resolve) => setImmediate(resolve));
    clock.pass(30_000);
    await overdue;
    assert.equal(clock.waiting, 0);
    const hangUp = new AbortController();
    const hung = assert.rejects(tokens.grant({}, hangUp.signal), /hung up/);
    await new Promise((resolve) => setImmediate(resolve));
    hangUp.abort(new Error('hung up'));
    await hung;
    assert.equal(clock.waiting, 0);
  });
}

test('no token is requested after a hang-up, whenever the credential comes', async () => {
  for (const refused of [false, true]) {
    const service = new Service(...(refused ? [new Response(null, { status: 401 })] : []));
    const hangUp = new AbortController();
    /** @type {(credential: string) => void} */
    let give = () => {};
    const source = new TokenSource('/token', {
      fetch: service.fetch,
      getCredential: (situation) => (situation.refused === refused ? new Promise((resolve) => (give = resolve)) : 'jwt'),
    });
    const hung = assert.rejects(source.grant({}, hangUp.signal), /hung up/);
    await new Promise((resolve) => setImmediate(resolve));
    hangUp.abort(new Error('hung up'));
    give('jwt');
    await hung;
    assert.equal(service.asked.length, refused ? 1 : 0);
  }
});

test('a grant that comes too late is ended', async () => {
  const clock = new TestClock();
  /** @type {(grant: object) => void} */
  let give = () => {};
  let ends = 0;
  const source = new TokenSource(() => /** @type {any} */ (new Promise((resolve) => (give = resolve))), { clock });
  const overdue = assert.rejects(source.grant({}, signal), { code: 'token-service-unreachable' });
  clock.pass(30_000);
  await overdue;
  give({ ...GRANT, end: () => (ends += 1) });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ends, 1);
});

test('lifetimes that are not positive numbers are unknown', async () => {
  const source = new TokenSource(async () => /** @type {any} */ ({ ...GRANT, expires_in: -1, lease_expires_in: null }));
  const { endsAt, leaseEndsAt } = await source.grant({}, signal);
  assert.deepEqual([endsAt, leaseEndsAt], [Infinity, Infinity]);
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
  source.usage = () => ({ seconds: 3 });
  source.end({ ...GRANT, lease: 'l' });
  const [{ address, request }] = service.asked;
  assert.equal(address, 'https://site.test/voice/lease/end');
  assert.deepEqual([request.method, request.keepalive, request.body], ['POST', true, '{"lease":"l","usage":{"seconds":3}}']);
  assert.equal(request.headers['Content-Type'], 'application/json');
});

test('a rating belongs to the conversation that was ended last', () => {
  const answer = () => new Response(null, { status: 204 });
  const service = new Service(answer(), answer());
  const source = new TokenSource('https://site.test/token', { fetch: service.fetch });
  source.rate('good');
  assert.equal(service.asked.length, 0);
  source.end({ ...GRANT, lease: 'l' });
  source.rate('bad');
  assert.deepEqual(JSON.parse(service.asked[1].request.body), { lease: 'l', usage: { rating: 'bad' } });
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
    clock: { ...steadyClock, now: () => time },
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
    clock: { ...steadyClock, now: () => time },
    timed: (name, milliseconds) => told.push([name, milliseconds]),
  });
  await source.grant({}, signal);
  assert.deepEqual(told, [['mint', 120]]);
});

test("the page's own headers and cookies go with each request, and ours win", async () => {
  const service = new Service(Response.json(GRANT), Response.json({}));
  const headers = new Headers({ 'X-CSRF-Token': 'first', 'content-type': 'text/plain', authorization: 'Basic page' });
  /** @type {string | null} */
  let credential = 'jwt';
  const source = new TokenSource('https://shop.test/token', {
    fetch: service.fetch,
    headers,
    credentials: 'include',
    getCredential: () => credential,
  });
  await source.grant({}, signal);
  credential = null;
  headers.set('X-CSRF-Token', 'second');
  source.end({ ...GRANT, lease: 'l' });
  assert.deepEqual(
    service.asked.map(({ request }) => [Object.fromEntries(new Headers(request.headers)), request.credentials]),
    [
      [{ 'x-csrf-token': 'first', 'content-type': 'application/json', authorization: 'Bearer jwt' }, 'include'],
      [{ 'x-csrf-token': 'second', 'content-type': 'application/json', authorization: 'Basic page' }, 'include'],
    ],
  );
});
