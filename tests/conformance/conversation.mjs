/**
 * A conversation with Google's JavaScript SDK, on any server of the Live API.
 *
 * Prints a report. Environment variables:
 * - GOOGLE_GEMINI_BASE_URL: the Live API, as for the SDK itself.
 * - TOKEN_SERVICE_URL: a token service, whose POST /token provides the token. Without it, the token
 *   is minted with GEMINI_API_KEY.
 * - TOKEN_SERVICE_AUTHORIZATION: the token service's Authorization header, if it requires one.
 * - SPEECH_FILE: raw PCM, 16 kHz, ending in a second of silence.
 * - TOOL: the declared function to call, by default get_local_time.
 */

import { readFileSync } from 'node:fs';
import { connect, lockedConfig, mint, SDK_VERSION } from './javascript_sdk.mjs';

const env = process.env;
const tool = env.TOOL ?? 'get_local_time';
const CHUNK = 1280;

/** Return a token from a token service. */
async function askService(url) {
  const headers = { 'Content-Type': 'application/json' };
  if (env.TOKEN_SERVICE_AUTHORIZATION) headers.Authorization = env.TOKEN_SERVICE_AUTHORIZATION;
  const answer = await fetch(`${url}/token`, { method: 'POST', headers, body: '{}' });
  if (!answer.ok) throw new Error(`POST /token answered ${answer.status}`);
  return (await answer.json()).token;
}

/** Receive one turn; function calls in it are answered. */
async function receiveTurn(conversation) {
  const turn = { said: '', heard: '', audio_bytes: 0, calls: [], complete: false };
  while (!turn.complete) {
    const message = await conversation.next();
    for (const call of message.toolCall?.functionCalls ?? []) {
      turn.calls.push(call.name);
      const response = { answer: 'seventeen' };
      conversation.session.sendToolResponse({
        functionResponses: [{ id: call.id, name: call.name, response }],
      });
    }
    const content = message.serverContent ?? {};
    for (const part of content.modelTurn?.parts ?? []) {
      if (part.inlineData) turn.audio_bytes += Buffer.from(part.inlineData.data, 'base64').length;
    }
    turn.said += content.outputTranscription?.text ?? '';
    turn.heard += content.inputTranscription?.text ?? '';
    turn.complete = Boolean(content.turnComplete);
  }
  return turn;
}

const token = env.TOKEN_SERVICE_URL
  ? await askService(env.TOKEN_SERVICE_URL)
  : await mint(env.GEMINI_API_KEY, lockedConfig(tool));
const conversation = await connect(token, {});
const { session } = conversation;

const speech = readFileSync(env.SPEECH_FILE);
for (let at = 0; at < speech.length; at += CHUNK) {
  const data = speech.subarray(at, at + CHUNK).toString('base64');
  session.sendRealtimeInput({ audio: { data, mimeType: 'audio/pcm;rate=16000' } });
}
const spoken = await receiveTurn(conversation);
session.sendRealtimeInput({ text: 'My house has number 731.' });
const typed = await receiveTurn(conversation);
session.sendRealtimeInput({ text: `Please ${tool.replaceAll('_', ' ')} now.` });
const called = await receiveTurn(conversation);
await conversation.close();
process.stdout.write(JSON.stringify({ spoken, typed, tool: called, sdk: SDK_VERSION }));
