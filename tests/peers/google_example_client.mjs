/** A conversation with geminilive.js, of Google's example; prints a report as JSON. */

import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';

const { EMULATOR_URL, GEMINI_LIVE_JS, LIVE_TOKEN, MODEL, SPEECH_FILE } = process.env;
const CHUNK = 1280;

// The example logs to the console, and its address is in its source.
console.log = () => {};
const origin = EMULATOR_URL.replace(/^http/, 'ws');
globalThis.WebSocket = class extends WebSocket {
  constructor(address) {
    super(address.replace('wss://generativelanguage.googleapis.com', origin));
  }
};
const source = readFileSync(GEMINI_LIVE_JS, 'utf8');
const { GeminiLiveAPI, FunctionCallDefinition } = runInThisContext(
  `${source}\n({ GeminiLiveAPI, FunctionCallDefinition });`,
);

const client = new GeminiLiveAPI(LIVE_TOKEN, MODEL);
client.setInputAudioTranscription(true);
client.setOutputAudioTranscription(true);
client.automaticActivityDetection.silence_duration_ms = 500;
const meter = new FunctionCallDefinition(
  'read_the_meter',
  'Returns what the meter shows.',
  { type: 'object', properties: {} },
  [],
);
meter.functionToCall = () => ({ answer: 'seventeen' });
client.addFunction(meter);

const responses = [];
let wake = () => {};
client.onReceiveResponse = (response) => {
  responses.push(response);
  wake();
};
client.onClose = () => client.onReceiveResponse({ type: 'CLOSED' });
client.onError = () => {};

async function receive() {
  while (!responses.length) await new Promise((resolve) => (wake = resolve));
  const response = responses.shift();
  if (response.type === 'CLOSED') throw new Error('the emulator closed the socket');
  return response;
}

/** Receive until an answer is complete in which *expected* is said; answer function calls in it. */
async function receiveAnswer(expected) {
  const turn = { said: '', heard: '', audio_bytes: 0, calls: [] };
  for (;;) {
    const { type, data } = await receive();
    if (type === 'AUDIO') turn.audio_bytes += Buffer.from(data, 'base64').length;
    if (type === 'INPUT_TRANSCRIPTION') turn.heard += data.text;
    if (type === 'OUTPUT_TRANSCRIPTION') turn.said += data.text;
    for (const { id, name, args } of type === 'TOOL_CALL' ? data.functionCalls : []) {
      turn.calls.push(name);
      client.sendToolResponse([{ id, name, response: await client.callFunction(name, args) }]);
    }
    if (type === 'TURN COMPLETE' && turn.said.includes(expected)) return turn;
  }
}

client.connect();
while ((await receive()).type !== 'SETUP COMPLETE');
const speech = readFileSync(SPEECH_FILE);
for (let at = 0; at < speech.length; at += CHUNK) {
  client.sendAudioMessage(speech.subarray(at, at + CHUNK).toString('base64'));
}
const spoken = await receiveAnswer('');
client.sendTextMessage('My house has number 731.');
const typed = await receiveAnswer('731');
client.sendTextMessage('Please read the meter now.');
const called = await receiveAnswer('seventeen');
process.stdout.write(JSON.stringify({ spoken, typed, tool: called }));
process.exit();
