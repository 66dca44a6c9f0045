/** A conversation with TanStack AI's Gemini client, and a token that ADAPTER gets; prints a report as JSON. */

import { readFileSync } from 'node:fs';

const { EMULATOR_URL, MODEL, SPEECH_FILE, ADAPTER } = process.env;
const CHUNK = 1280;
// Its adapter also opens a microphone; this is the part below, which it does not export.
const { GeminiLiveClient } = await import(new URL('./realtime/client.js', import.meta.resolve('@tanstack/ai-gemini')));

const Socket = globalThis.WebSocket;
globalThis.WebSocket = class extends Socket {
  constructor(url) {
    super(url.replace('wss://generativelanguage.googleapis.com', EMULATOR_URL.replace('http', 'ws')));
    this.addEventListener('close', ({ code, reason }) => add({ type: 'error', data: `closed with ${code} ${reason}` }));
  }

  send(frame) {
    // By Google's SDK, a field of Vertex only, which the emulator refuses. Whether Google does is not known.
    super.send(frame.replace('"transparent":true', ''));
  }
};

const { getToken } = await import(ADAPTER);
const token = await getToken();
if (token.config.model !== MODEL || token.expiresAt < Date.now()) throw new Error(JSON.stringify(token.config));
const client = new GeminiLiveClient(token.token, MODEL);
const responses = [];
let wake = () => {};
const add = (response) => {
  responses.push(response);
  wake();
};
client.onReceiveResponse = add;
client.onError = ({ message }) => add({ type: 'error', data: message });

async function receive() {
  while (!responses.length) await new Promise((resolve) => (wake = resolve));
  const response = responses.shift();
  if (response.type === 'error') throw new Error(response.data);
  return response;
}

/** Receive until an answer is complete in which *expected* is said; answer function calls in it. */
async function receiveAnswer(expected) {
  const turn = { said: '', heard: '', audio_bytes: 0, calls: [] };
  for (;;) {
    const { type, data } = await receive();
    if (type === 'audio') turn.audio_bytes += Buffer.from(data.audioData, 'base64').length;
    if (type === 'output_transcription') turn.said += data.text ?? '';
    if (type === 'input_transcription') turn.heard += data.text ?? '';
    for (const { id, name } of data.functionCalls ?? []) {
      turn.calls.push(name);
      client.sendToolResponse([{ id, name, response: { answer: 'seventeen' } }]);
    }
    if (type === 'turn_complete' && turn.said.includes(expected)) return turn;
  }
}

await client.connect();
await client.updateSession({});
while ((await receive()).type !== 'setup_complete');
const speech = readFileSync(SPEECH_FILE);
for (let at = 0; at < speech.length; at += CHUNK) client.sendAudioMessage(speech.subarray(at, at + CHUNK).toString('base64'));
const spoken = await receiveAnswer('');
client.sendTextMessage('My house has number 731.');
const typed = await receiveAnswer('731');
client.sendTextMessage('Please read the meter now.');
const called = await receiveAnswer('seventeen');
process.stdout.write(JSON.stringify({ spoken, typed, tool: called }));
process.exit();
