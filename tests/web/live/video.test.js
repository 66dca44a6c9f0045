import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptedTransport } from '../../../web/live/scripted-transport.js';
import { LiveSession } from '../../../web/live/session.js';
import { Outside, install } from './interleavings/browser.js';

/** Everything succeeds, once the test lets it happen. */
let outside = new Outside(() => 0);
install(() => outside);
// From here on it is there at once.
await import('../../../web/live/media/video.js');
const drained = () => new Promise((resolve) => setImmediate(resolve));

/** @typedef {import('../../../web/live/media/video.js').Shown} Shown */

async function live() {
  outside = new Outside(() => 0);
  const api = new ScriptedTransport();
  const session = new LiveSession({ token: api.token, transport: api.transport });
  /** @type {(Shown | null)[]} */
  const shown = [];
  session.addEventListener('video', ({ detail }) => void shown.push(detail));
  await session.start({ microphone: false, speaker: false });
  return { session, shown };
}

/** Lets everything happen that may, until nothing does. */
async function happen() {
  await drained();
  for (let rounds = 0; rounds < 10; rounds += 1) {
    for (const event of [...outside.events]) event.happen();
    await drained();
  }
}

/** Whether each camera that was ever opened is on. */
const on = () => outside.tracks.map(({ readyState }) => readyState === 'live');

test('a camera is shown until the video is stopped', async () => {
  const { session, shown } = await live();
  const showing = session.showCamera();
  await happen();
  await showing;
  assert.deepEqual([shown.map((each) => each?.kind), on()], [['camera'], [true]]);
  session.stopVideo();
  assert.deepEqual([shown.at(-1), on(), outside.running], [null, [false], 0]);
  session.close();
});

test('a camera that is stopped at any step of its opening is off', async () => {
  for (const stop of ['stopVideo', 'close']) {
    for (let rounds = 0; rounds < 3; rounds += 1) {
      for (let hops = 0; hops < 15; hops += 1) {
        const { session, shown } = await live();
        const showing = session.showCamera().catch(({ code }) => code);
        for (let round = 0; round < rounds; round += 1) {
          await drained();
          for (const event of [...outside.events]) event.happen();
        }
        for (let hop = 0; hop < hops; hop += 1) await null;
        if (stop === 'close') session.close();
        else session.stopVideo();
        const when = `${stop} after ${rounds} rounds and ${hops} steps`;
        const whole = shown.length > 0;
        await happen();
        assert.equal(await showing, whole ? undefined : 'hung-up', when);
        assert.deepEqual([shown.slice(1), on().includes(true)], [whole ? [null] : [], false], when);
        session.close();
      }
    }
  }
});

test('a camera that is being switched is not shown after the video is stopped', async () => {
  for (let rounds = 0; rounds < 3; rounds += 1) {
    for (let hops = 0; hops < 15; hops += 1) {
      const { session, shown } = await live();
      const showing = session.showCamera();
      await happen();
      await showing;
      const switching = session.switchCamera().catch(({ code }) => code);
      for (let round = 0; round < rounds; round += 1) {
        await drained();
        for (const event of [...outside.events]) event.happen();
      }
      for (let hop = 0; hop < hops; hop += 1) await null;
      session.stopVideo();
      const when = `after ${rounds} rounds and ${hops} steps`;
      const whole = shown.length > 2;
      await happen();
      assert.equal(await switching, whole ? undefined : 'hung-up', when);
      assert.deepEqual([shown.at(-1), on().includes(true)], [null, false], when);
      session.close();
    }
  }
});

test('of two that are opened, the later one is shown', async () => {
  const { session, shown } = await live();
  const first = assert.rejects(session.showCamera(), { code: 'hung-up' });
  await drained();
  const second = session.showScreen();
  await happen();
  await Promise.all([first, second]);
  assert.deepEqual([shown.map((each) => each?.kind), on()], [['screen'], [false, true]]);
  session.close();
});

test('switching does nothing while no camera is shown, and does not prevent one', async () => {
  const { session, shown } = await live();
  const showing = session.showCamera();
  await drained();
  await session.switchCamera();
  await happen();
  await showing;
  assert.deepEqual([shown.map((each) => each?.kind), on()], [['camera'], [true]]);
  session.close();
});
