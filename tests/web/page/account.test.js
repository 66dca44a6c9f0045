import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Account } from '../../../web/page/account.js';

const LIFE = 900; // seconds

/** The service's accounts, as a page sees them: one person, and single-use refresh cookies. */
class Service {
  /** @type {string[]} */
  asked = [];
  issued = 0;
  open = false; // whether there is a login
  reachable = true;
  /** @type {Promise<void> | null} */
  held = null;

  /** @type {typeof fetch} */
  fetch = async (address, request) => {
    const path = new URL(String(address)).pathname;
    this.asked.push(path);
    if (!this.reachable) throw new TypeError('Failed to fetch');
    await this.held;
    if (path === '/login' && JSON.parse(String(request?.body)).password !== 'right') return this.#refusal('wrong-password');
    if (path === '/login/end') this.open = false;
    if (path === '/login/end') return new Response(null, { status: 204 });
    if (path === '/profiles') return Response.json({ profiles: [{ name: new Headers(request?.headers).get('Authorization') }] });
    if (path === '/login') this.open = true;
    if (!this.open) return this.#refusal('login-over');
    this.issued += 1;
    return Response.json({ access_token: `jwt-${this.issued}`, username: 'ada', expires_in: LIFE });
  };

  /** @param {string} code */
  #refusal(code) {
    return Response.json({ code, detail: `${code}.`, retryable: false }, { status: 401 });
  }
}

class Marks extends Map {
  /** @param {string} name */
  getItem = (name) => this.get(name) ?? null;
  /** @param {string} name @param {string} value */
  setItem = (name, value) => void this.set(name, value);
  /** @param {string} name */
  removeItem = (name) => void this.delete(name);
}

function browser() {
  const service = new Service();
  const marks = new Marks();
  const time = { now: 0 };
  /** Opens the page, possibly again. */
  const open = () => new Account('https://voice.test/', { fetch: service.fetch, clock: () => time.now, marks });
  return { service, marks, time, open, account: open() };
}

test('a first visit sends no refresh', async () => {
  const { service, account } = browser();
  assert.equal(await account.arrive(), false);
  assert.equal(await account.credential(), null);
  assert.deepEqual(service.asked, []);
});

test('a returning visitor is signed in', async () => {
  const { account, open, marks } = browser();
  await account.signIn('ada', 'right');
  assert.deepEqual([...marks.values()], ['yes']); // and no credential
  const again = open();
  assert.equal(await again.arrive(), true);
  assert.equal(again.name, 'ada');
  assert.equal(await again.credential(), 'jwt-2');
});

test('an expired login is refreshed only once', async () => {
  const { service, account, open } = browser();
  await account.signIn('ada', 'right');
  service.open = false;
  assert.equal(await open().arrive(), false);
  assert.equal(await open().arrive(), false);
  assert.deepEqual(service.asked, ['/login', '/login/refresh']);
});

test('an unreachable service is reported, and the login is kept', async () => {
  const { service, account, open } = browser();
  await account.signIn('ada', 'right');
  service.reachable = false;
  await assert.rejects(open().arrive(), { code: 'token-service-unreachable' });
  service.reachable = true;
  assert.equal(await open().arrive(), true);
});

test('a credential is refreshed shortly before its end', async () => {
  const { service, time, account } = browser();
  await account.signIn('ada', 'right');
  time.now = (LIFE - 61) * 1000;
  assert.equal(await account.credential(), 'jwt-1');
  time.now = (LIFE - 59) * 1000;
  assert.equal(await account.credential(), 'jwt-2');
  assert.equal(await account.credential(), 'jwt-2');
  assert.deepEqual(service.asked, ['/login', '/login/refresh']);
  assert.deepEqual(await account.profiles(), [{ name: 'Bearer jwt-2' }]);
});

test('concurrent callers share one refresh', async () => {
  const { service, account } = browser();
  await account.signIn('ada', 'right');
  const given = await Promise.all([1, 2, 3].map(() => account.credential({ refused: true })));
  assert.deepEqual(given, ['jwt-2', 'jwt-2', 'jwt-2']);
  assert.deepEqual(service.asked, ['/login', '/login/refresh']);
});

test('a valid credential is used while the service is unreachable', async () => {
  const { service, time, account } = browser();
  await account.signIn('ada', 'right');
  service.reachable = false;
  time.now = (LIFE - 30) * 1000;
  assert.equal(await account.credential(), 'jwt-1');
  await assert.rejects(account.credential({ refused: true }), { code: 'token-service-unreachable', retryable: true });
  time.now = LIFE * 1000;
  await assert.rejects(account.credential(), { code: 'token-service-unreachable', retryable: true });
  service.reachable = true;
  assert.equal(await account.credential(), 'jwt-2');
});

test('a login that has ended is reported by the service', async () => {
  const { service, time, account } = browser();
  await account.signIn('ada', 'right');
  service.open = false;
  time.now = (LIFE - 30) * 1000;
  await assert.rejects(account.credential(), { code: 'login-over', status: 401 });
});

test('a wrong password changes nothing', async () => {
  const { marks, account } = browser();
  await assert.rejects(account.signIn('ada', 'wrong'), { code: 'wrong-password' });
  assert.equal(await account.credential(), null);
  assert.equal(marks.size, 0);
});

test('signing out makes a guest, also on the next visit', async () => {
  const { service, account, open } = browser();
  await account.signIn('ada', 'right');
  await account.signOut();
  assert.equal(account.name, null);
  assert.equal(await account.credential(), null);
  assert.equal(await open().arrive(), false);
  assert.deepEqual(service.asked, ['/login', '/login/end']);
});

test('a guest has nothing to sign out of', async () => {
  const { service, account } = browser();
  await account.signOut();
  assert.deepEqual(service.asked, []);
});

test('signing out during a refresh stays signed out', async () => {
  const { service, account } = browser();
  await account.signIn('ada', 'right');
  let release = () => {};
  service.held = new Promise((resolve) => { release = () => resolve(undefined); });
  const under = account.credential({ refused: true });
  const out = account.signOut();
  assert.equal(account.name, null);
  release();
  await Promise.all([under, out]);
  assert.equal(account.name, null);
  assert.equal(await account.credential(), null);
  assert.equal(service.open, false);
});

test('signing out while the service is unreachable is an error, but clears the credential', async () => {
  const { service, account } = browser();
  await account.signIn('ada', 'right');
  service.reachable = false;
  await assert.rejects(account.signOut(), { code: 'token-service-unreachable' });
  assert.equal(await account.credential(), null);
});

test('signing in works without storage', async () => {
  const { service } = browser();
  const account = new Account('https://voice.test/', { fetch: service.fetch, marks: null });
  assert.equal(await account.arrive(), false);
  await account.signIn('ada', 'right');
  await account.signOut();
  assert.equal(account.name, null);
});
