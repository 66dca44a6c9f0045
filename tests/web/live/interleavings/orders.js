/**
 * Settles every promise of the browser, the page, the token service and the Live API in random orders, and calls the
 * session between any two of its steps. Whatever the order: once `close()` has returned, nothing is left and nothing is
 * opened.
 *
 * Arguments: the first seed, and how many. A failure names the seed that repeats it. It is a program of its own, because
 * Node's test runner watches every promise, which takes most of the time.
 */

import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { LiveSession } from '../../../../web/live/session.js';
import { Outside, Socket, fail, install, seeded } from './browser.js';

const [FIRST, ORDERS] = process.argv.slice(2).map(Number);
const STEPS = 60;
// Whatever the client may wait for.
const LONGEST_MS = 120_000;

/** @type {Outside} */
let outside = new Outside(Math.random);
const drained = () => new Promise((resolve) => setImmediate(resolve));
const ignored = () => {};
// A conversation has more parts than Node expects.
setMaxListeners(0);
// Advice for the site's developer, at every refused start.
console.warn = ignored;

/** One order of events. */
class Order {
  /** @type {string[]} */
  trace = [];
  #settled = 0;
  #started = 0;

  /** @param {number} seed @param {ReturnType<typeof install>} browser */
  constructor(seed, browser) {
    this.random = seeded(seed);
    this.browser = browser;
    outside = new Outside(this.random);
    const hanging = this.random() < 0.1;
    this.session = new LiveSession({
      token: 'https://site.test/token',
      getCredential: () => (hanging ? new Promise(() => {}) : outside.decide('a credential comes', [() => 'jwt', fail])),
      transport: () => /** @type {WebSocket} */ (/** @type {unknown} */ (new Socket(outside))),
    });
    // A page may hang up in any of the events.
    if (this.random() < 0.1) {
      const [type, state] = outside.pick([['state', 'live'], ['state', 'resuming'], ['listening', ''], ['timing', ''], ['resumed', '']]);
      this.session.addEventListener(/** @type {'state'} */ (type), ({ detail }) => {
        if (!state || detail.state === state) this.close();
      });
    }
  }

  /** @param {string} what @param {() => unknown} act */
  do(what, act) {
    this.trace.push(what);
    try {
      Promise.resolve(act()).catch(ignored);
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error;
    }
  }

  start() {
    outside.over = false;
    this.#started += 1;
    const options = outside.pick([{}, { microphone: false, speaker: /** @type {const} */ (false) }, { speaker: /** @type {const} */ (false) }, { microphone: false }]);
    this.session.start(options).then(() => (this.#settled += 1), () => (this.#settled += 1));
  }

  close() {
    this.session.close();
    if (this.session.state === 'closed') outside.over = true;
  }

  act() {
    const { session } = this;
    const socket = outside.sockets.at(-1);
    /** @type {[string, () => unknown][]} */
    const acts = [
      ['mute', () => (session.muted = !session.muted)],
      ['sendText', () => session.sendText('Hello')],
      ['a word', () => socket?.isLive && socket.receive({ serverContent: { outputTranscription: { text: 'Hi' } } })],
      ['useMicrophone', () => session.useMicrophone('a')],
      ['showCamera', () => session.showCamera()],
      ['switchCamera', () => session.switchCamera()],
      ['stopVideo', () => session.stopVideo()],
      ['a sound', () => outside.captures.at(-1)?.capture(this.random() < 0.5)],
      ['drop', () => socket?.drop(...outside.pick(/** @type {[number, string][]} */ ([[1006, ''], [1006, ''], [1011, ''], [1000, '']])))],
      ['goAway', () => socket?.isLive && socket.receive({ goAway: { timeLeft: '2s' } })],
      ['a handle', () => socket?.isLive && socket.receive({ sessionResumptionUpdate: { newHandle: 'h', resumable: true } })],
      ['offline', () => this.browser.goes('offline')],
      ['online', () => this.browser.goes('online')],
      ['a moment', () => outside.pass(700)],
      ['time for a renewal', () => outside.pass(20_000)],
      ['a timer', () => outside.pass(Math.max(0, Math.min(...Array.from(outside.timers.values(), ({ at }) => at)) - outside.now) || 0)],
    ];
    if (this.random() < 0.03) this.do('close', () => this.close());
    else this.do(...outside.pick(acts));
  }

  settle() {
    const event = outside.pick([...outside.events]);
    this.do(event.what, event.happen);
  }

  async run() {
    this.do('start', () => this.start());
    for (let step = 0; step < STEPS; step += 1) {
      if (outside.events.size > 0 && this.random() < 0.7) this.settle();
      else this.act();
      for (let hops = Math.floor(this.random() * 5); hops > 0; hops -= 1) await null;
      if (this.random() < 0.3) {
        await drained();
        this.checkState();
        if (this.session.state === 'closed' && this.random() < 0.2) this.do('start again', () => this.start());
      }
    }
    this.do('the last close', () => this.close());
    this.browser.goes('online');
    outside.over = true;
    await drained();
    this.checkNothingIsLeft();
    for (let rounds = 0; outside.events.size > 0 && rounds < 100; rounds += 1) {
      this.settle();
      if (this.random() < 0.5) await drained();
    }
    outside.pass(LONGEST_MS);
    await drained();
    this.checkNothingIsLeft();
    assert.ok(outside.contexts.every(({ state }) => state === 'closed'), 'every audio context is closed');
    assert.ok([...outside.leases.values()].every((ends) => ends === 1), 'every lease is ended once');
    assert.equal(this.#settled, this.#started, 'every start has an end');
  }

  /** A state says what there is. */
  checkState() {
    const { state } = this.session;
    const open = outside.sockets.filter((socket) => socket.isOpen);
    assert.ok(open.length <= 1, 'there is one socket at a time');
    if (state === 'live') assert.ok(open[0]?.isLive, 'live means that there is a connection');
    if (state === 'closed') assert.equal(open.length, 0, 'closed means that there is none');
  }

  checkNothingIsLeft() {
    assert.deepEqual(outside.late, [], 'nothing is opened after the end');
    assert.ok(outside.sockets.every(({ isOpen }) => !isOpen), 'every socket is closed');
    assert.ok(outside.tracks.every(({ readyState }) => readyState === 'ended'), 'every track is stopped');
    assert.equal(outside.running, 0, 'no timer runs');
  }
}

const browser = install(() => outside);
/** @type {unknown} */
let unhandled = null;
process.on('unhandledRejection', (cause) => (unhandled ??= cause));
// Errors are made all the time.
if (ORDERS > 1) Error.stackTraceLimit = 0;
/** How often something was reached. @type {Record<string, number>} */
const reached = { live: 0, resuming: 0, video: 0, rebuilt: 0 };
for (let seed = FIRST; seed < FIRST + ORDERS; seed += 1) {
  const order = new Order(seed, browser);
  for (const type of /** @type {const} */ (['state', 'video', 'rebuilt'])) {
    order.session.addEventListener(type, ({ detail }) => {
      const name = detail && 'state' in detail ? detail.state : type;
      if (name in reached) reached[name] += 1;
    });
  }
  try {
    await order.run();
    if (unhandled) throw unhandled;
  } catch (cause) {
    console.error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}\n${order.trace.join(', ')}\n`, cause);
    process.exit(1);
  }
}
console.log(JSON.stringify(reached));
