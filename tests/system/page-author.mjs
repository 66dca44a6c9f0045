/**
 * Our client at a service and an emulator, as the author of a page uses it: what the model learns and does not answer, an
 * answer that is stopped, an agent that hangs up. Prints what the page was told.
 *
 * Arguments: the service's address, the profile, a file with a voice (PCM, 16 kHz), and what to do.
 */

import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { soundFrame } from '../../web/live/connection/protocol.js';
import { LiveSession } from '../../web/live/session.js';

const [service, profile, voice, deed] = process.argv.slice(2);
const CHUNK = 1600;
const LIMIT_MS = 30_000;
const JPEG = new Blob([Uint8Array.of(0xff, 0xd8, 0xff)], { type: 'image/jpeg' });
const LONG = 'Tell me about the weather, the sea and the mountains, and do not leave anything out.';

/** @type {WebSocket} */
let socket;
const session = new LiveSession({
  token: `${service}/token`,
  transport: (address) => (socket = new WebSocket(address)),
});
const told = { interrupted: 0, states: [] };
session.on('interrupted', () => (told.interrupted += 1));
session.on('state', ({ state, error }) => told.states.push(error?.code ?? state));
const limit = setTimeout(() => {
  console.error('too late', JSON.stringify(session.getSnapshot()));
  process.exit(1);
}, LIMIT_MS);

/** @param {() => boolean} condition on what the session shows */
const until = (condition) =>
  new Promise((resolve) => {
    const off = session.subscribe(look);
    function look() {
      if (!condition()) return;
      off();
      resolve();
    }
    look();
  });

/** What the agent has said to the end. */
const answers = () => session.transcript.filter(({ side, final }) => side === 'agent' && final).map(({ text }) => text);

/** @param {() => void} act @returns {Promise<string>} the next answer */
async function answer(act) {
  const before = answers().length;
  act();
  await until(() => answers().length > before);
  return answers().at(-1);
}

const ask = (text) => answer(() => session.sendText(text));

/** Speaks until the server hears it and the client has had its turn, and then falls silent. */
async function speak() {
  const samples = new Int16Array(new Uint8Array(readFileSync(voice)).buffer);
  const heard = new Promise((resolve) => {
    socket.addEventListener('message', ({ data }) => String(new TextDecoder().decode(data)).includes('ACTIVITY_START') && resolve());
  });
  const send = (from, to) => {
    for (let at = from; at < to; at += CHUNK) socket.send(soundFrame(samples.subarray(at, at + CHUNK), 16_000));
  };
  const half = CHUNK * 5;
  send(0, half);
  await heard;
  await new Promise(setImmediate);
  send(half, samples.length);
}

/** Waits until the server has read what was sent, and its answers to that are here. */
async function settle() {
  await new Promise(setImmediate);
  const pong = new Promise((resolve) => socket.once('pong', resolve));
  socket.ping();
  await pong;
}

const deeds = {
  async context() {
    await ask('Good morning.');
    session.sendContext('The page shows order 1739.');
    await import('../../web/live/silent-input.js');
    await settle();
    told.silent = answers().length === 1;
    told.typed = await ask('What do I see?');
    session.sendContext('The page shows order 1740.');
    told.spoken = await answer(() => void speak());
  },
  async image() {
    await session.sendImage(JPEG);
    await settle();
    told.silent = answers().length === 0;
    told.typed = await ask('What is it?');
  },
  async interruption() {
    session.sendText(LONG);
    await until(() => session.transcript.some(({ side }) => side === 'agent'));
    session.interrupt();
    told.cut = session.transcript.find(({ side }) => side === 'agent').interrupted;
    await import('../../web/live/silent-input.js');
    await settle();
    told.next = await ask('Go on.');
    told.answers = session.transcript.filter(({ side }) => side === 'agent').length;
  },
  async farewell() {
    session.sendText('Please hang up.');
    await until(() => session.state === 'closed');
    told.said = answers();
  },
};

await session.start({ profile, microphone: false, speaker: false });
await deeds[deed]();
session.close();
clearTimeout(limit);
process.stdout.write(JSON.stringify(told), () => process.exit());
