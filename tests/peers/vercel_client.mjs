/** A conversation with the Vercel AI SDK's realtime model for Google; prints a report as JSON. */

import { readFileSync } from 'node:fs';
import { createGoogleGenerativeAI } from '@ai-sdk/google';

const { EMULATOR_URL, MODEL, SPEECH_FILE, ADAPTER } = process.env;
const CHUNK = 1280;

const google = createGoogleGenerativeAI({ apiKey: 'a-key-for-tests', baseURL: EMULATOR_URL });
const model = google.experimental_realtime(MODEL);
const tool = {
  type: 'function',
  name: 'read_the_meter',
  description: 'Returns what the meter shows.',
  parameters: { type: 'object', properties: {} },
};
const sessionConfig = {
  outputModalities: ['audio'],
  inputAudioTranscription: {},
  outputAudioTranscription: {},
  tools: [tool],
};

// ADAPTER is the route in docs/api.md, which asks the service.
const secret = ADAPTER
  ? await (await (await import(ADAPTER)).POST(new Request('http://site.test'))).json()
  : await model.doCreateClientSecret({ sessionConfig });
const { url, protocols } = model.getWebSocketConfig(secret);
const socket = new WebSocket(url, protocols);
socket.binaryType = 'arraybuffer';
const events = [];
let wake = () => {};
socket.onmessage = ({ data }) => {
  const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
  events.push(...[model.parseServerEvent(JSON.parse(text))].flat());
  wake();
};
socket.onclose = ({ code, reason }) => {
  events.push({ type: 'closed', code, reason });
  wake();
};
await new Promise((resolve) => (socket.onopen = resolve));

async function send(event) {
  const frame = await model.serializeClientEvent(event);
  if (frame) socket.send(JSON.stringify(frame));
}

async function receive() {
  while (!events.length) await new Promise((resolve) => (wake = resolve));
  const event = events.shift();
  if (event.type === 'closed') throw new Error(`closed with ${event.code} ${event.reason}`);
  return event;
}

/** Receive until an answer is complete in which *expected* is said; answer function calls in it. */
async function receiveAnswer(expected) {
  const turn = { said: '', heard: '', audio_bytes: 0, calls: [] };
  for (;;) {
    const event = await receive();
    if (event.type === 'audio-delta') turn.audio_bytes += Buffer.from(event.delta, 'base64').length;
    if (event.type === 'audio-transcript-delta') turn.said += event.delta;
    if (event.type === 'input-transcription-completed') turn.heard = event.transcript;
    if (event.type === 'function-call-arguments-done') {
      turn.calls.push(event.name);
      const output = JSON.stringify({ answer: 'seventeen' });
      const { callId, name } = event;
      const item = { type: 'function-call-output', callId, name, output };
      await send({ type: 'conversation-item-create', item });
    }
    if (event.type === 'response-done' && turn.said.includes(expected)) return turn;
  }
}

async function type(text) {
  const item = { type: 'text-message', role: 'user', text };
  await send({ type: 'conversation-item-create', item });
}

await send({ type: 'session-update', config: sessionConfig });
while ((await receive()).type !== 'session-created');
const speech = readFileSync(SPEECH_FILE);
for (let at = 0; at < speech.length; at += CHUNK) {
  const audio = speech.subarray(at, at + CHUNK).toString('base64');
  await send({ type: 'input-audio-append', audio });
}
const spoken = await receiveAnswer('');
await type('My house has number 731.');
const typed = await receiveAnswer('731');
await type('Please read the meter now.');
const called = await receiveAnswer('seventeen');
process.stdout.write(JSON.stringify({ spoken, typed, tool: called }));
process.exit();
