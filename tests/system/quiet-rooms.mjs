/**
 * Quiet rooms for ten minutes: our client at an emulator, all by a clock that is moved. The microphones are open, and nobody
 * speaks. Prints for each room what the page was told and what the microphone sent.
 *
 * Arguments: the emulator's address, the length in seconds, and the rooms as JSON: `[{model, tokenLife}]`.
 */

import { once } from 'node:events';
import WebSocket from 'ws';
import { ResumableConnection } from '../../web/live/connection/resumable-connection.js';
import { soundFrame } from '../../web/live/connection/protocol.js';
import { TokenSource } from '../../web/live/connection/token-source.js';
import { TestClock } from '../web/test-clock.js';

const [emulator, seconds, planned] = process.argv.slice(2);
const RATE = 16_000;
const CHUNK_MS = 100;
// The clock moves by this at a time, unless a connection is being replaced.
const QUIET_MS = 1000;
const METHOD = '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContentConstrained';
const SETUP = {
  generationConfig: { responseModalities: ['AUDIO'] },
  inputAudioTranscription: {},
  outputAudioTranscription: {},
  contextWindowCompression: { slidingWindow: {} },
};

const clock = new TestClock();
/** Milliseconds by which the emulator's clock is ahead of the machine's. */
let skipped = 0;
let caughtUp = { client: clock.now(), machine: performance.now() };

async function post(path, body) {
  const headers = { 'Content-Type': 'application/json', 'x-goog-api-key': 'a-key-for-tests' };
  const answer = await fetch(emulator + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/**
 * Moves the emulator's clock by at least as much as the client's, each time: it is ahead after a step that took the
 * machine long, and if the next steps only made up for that, the client's waits would be none for the emulator.
 */
async function catchUp() {
  const now = { client: clock.now(), machine: performance.now() };
  const milliseconds = Math.max(0, now.client - caughtUp.client - (now.machine - caughtUp.machine));
  caughtUp = now;
  skipped += milliseconds;
  await post('/emulator/skip', { seconds: milliseconds / 1000 });
}

class Room {
  #model;
  #tokenLife;
  #socket;
  #minting = null;
  #chunks = [];
  #ending = new AbortController();
  #resumptions = [];
  #error = null;
  #connection;

  constructor({ model, tokenLife }) {
    this.#model = `models/${model}`;
    this.#tokenLife = tokenLife;
    this.#connection = new ResumableConnection(
      new TokenSource((request) => (this.#minting = this.#grant(request)), { clock }),
      {
        receive: () => {},
        prologue: () => [],
        resuming: () => {},
        resumed: (resumption) => this.#resumptions.push(resumption),
        ended: (error) => (this.#error = String(error)),
      },
      {
        signal: this.#ending.signal,
        clock,
        network: { online: () => true, on: () => {} },
        transport: (address) => (this.#socket = new WebSocket(address)),
      },
    );
  }

  get busy() {
    return this.#connection.busy;
  }

  async enter() {
    await this.#connection.obtain({});
    await this.#connection.open();
  }

  /** Sends a chunk of noise, each different, far below what counts as a voice. */
  capture() {
    const seed = this.#chunks.length * 7919;
    const samples = Int16Array.from({ length: (RATE * CHUNK_MS) / 1000 }, (_, at) => ((seed + at * 31) % 5) - 2);
    this.#chunks.push(Buffer.from(samples.buffer));
    this.#connection.sendSound(soundFrame(samples, RATE));
  }

  /** Waits until both sides have read all: the emulator answers a ping once it has read what came before. */
  async settle() {
    // On a busy machine the client's clock would otherwise pass its limit for a token.
    await this.#minting;
    const socket = this.#socket;
    if (socket.readyState === WebSocket.CLOSED) return;
    const done = new AbortController();
    const { signal } = done;
    const awaited = socket.readyState === WebSocket.OPEN ? 'pong' : 'open';
    if (awaited === 'pong') socket.ping();
    await Promise.race([once(socket, awaited, { signal }), once(socket, 'close', { signal })]);
    done.abort();
  }

  async leave() {
    this.#ending.abort();
    if (this.#socket.readyState !== WebSocket.CLOSED) await once(this.#socket, 'close');
    const microphone = Buffer.concat(this.#chunks).toString('base64');
    return { resumptions: this.#resumptions, error: this.#error, microphone };
  }

  /** A token as the service mints it: everything is locked, the handle too. */
  async #grant({ resumption_handle: handle }) {
    const now = Date.now() + skipped;
    const sessionResumption = handle ? { handle } : {};
    const { name } = await post('/v1beta/auth_tokens', {
      uses: 1,
      expireTime: new Date(now + this.#tokenLife * 1000).toISOString(),
      newSessionExpireTime: new Date(now + 60_000).toISOString(),
      bidiGenerateContentSetup: { ...SETUP, model: this.#model, sessionResumption },
    });
    return {
      token: name,
      websocket_url: emulator.replace('http', 'ws') + METHOD,
      setup: { model: this.#model, sessionResumption },
      expires_in: this.#tokenLife,
      lease: 'lease',
      end: () => {},
    };
  }
}

const rooms = JSON.parse(planned).map((room) => new Room(room));
for (const room of rooms) await room.enter();
const end = clock.now() + seconds * 1000;
while (clock.now() < end) {
  const next = clock.now() + QUIET_MS;
  do {
    for (const room of rooms) room.capture();
    clock.pass(CHUNK_MS);
  } while (clock.now() < next && !rooms.some((room) => room.busy));
  await catchUp();
  await Promise.all(rooms.map((room) => room.settle()));
  await new Promise(setImmediate);
}
const told = [];
for (const room of rooms) told.push(await room.leave());
process.stdout.write(JSON.stringify(told), () => process.exit());
