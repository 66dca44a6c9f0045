/**
 * Facts of the Live API that an SDK can express, by Google's JavaScript SDK.
 *
 * GOOGLE_GEMINI_BASE_URL says where, SPEECH_FILE has 1.5 s of a voice and silence. Prints what came
 * of each fact; sdk_facts.py does the same by the Python SDK.
 */

import { readFileSync } from 'node:fs';
import { GoogleGenAI, Modality } from '@google/genai';
import { connect, MODEL } from './javascript_sdk.mjs';

const url = process.env.GOOGLE_GEMINI_BASE_URL;
const KEY = 'a-key-for-tests';
const LONG = 'Tell me about the weather, the sea and the mountains, and do not leave anything out.';
const ASK = 'Please read the meter.';
const CHUNK = 1280;
const recording = readFileSync(process.env.SPEECH_FILE);
const VOICE_BYTES = 1.5 * 32_000;

const DEFAULTS = {
  responseModalities: [Modality.AUDIO],
  inputAudioTranscription: {},
  outputAudioTranscription: {},
};
const open = (config = {}, key = KEY, model = MODEL) =>
  connect(key, { ...DEFAULTS, ...config }, model);
const tool = (behavior) => [{ functionDeclarations: [{ name: 'read_the_meter', behavior }] }];

async function mint(config = {}) {
  const ai = new GoogleGenAI({ apiKey: KEY, apiVersion: 'v1beta' });
  return (await ai.authTokens.create({ config })).name;
}

async function refusal(...asked) {
  try {
    await (await open(...asked)).close();
    return 'taken';
  } catch (error) {
    return error.message.replace('closed in setup: ', '');
  }
}

async function skip(seconds) {
  await fetch(`${url}/emulator/skip`, { method: 'POST', body: JSON.stringify({ seconds }) });
}

async function last() {
  return (await fetch(`${url}/emulator/sessions/last`)).json();
}

function say(session, pcm) {
  for (let at = 0; at < pcm.length; at += CHUNK) {
    const data = pcm.subarray(at, at + CHUNK).toString('base64');
    session.sendRealtimeInput({ audio: { data, mimeType: 'audio/pcm;rate=16000' } });
  }
}

/** The first message that has a field, at its top or in its content. */
async function first(conversation, field) {
  for (;;) {
    const message = await conversation.next();
    const found = message[field] ?? message.serverContent?.[field];
    if (found) return found;
  }
}

async function turn(conversation) {
  const whole = { said: '', heard: '' };
  for (;;) {
    const { serverContent: content = {} } = await conversation.next();
    whole.said += content.outputTranscription?.text ?? '';
    whole.heard += content.inputTranscription?.text ?? '';
    if (content.turnComplete) return whole;
  }
}

/** Runs *talk* in a session and hangs up. */
async function during(config, talk) {
  const conversation = await open(config);
  const outcome = await talk(conversation, conversation.session);
  await conversation.close();
  return outcome;
}

const facts = {
  async used_up() {
    const token = await mint();
    await (await open({}, token)).close();
    return refusal({}, token);
  },

  async window_passed() {
    const token = await mint();
    await skip(61);
    return (await refusal({}, token)).slice(0, 12);
  },

  async ends_mid_session() {
    const conversation = await open({}, await mint());
    await skip(1801);
    const { code, reason } = await conversation.end;
    return `${code} ${reason}`;
  },

  text_modality: () => refusal({ responseModalities: [Modality.TEXT] }),

  unknown_model: async () => (await refusal({}, KEY, 'gemini-99')).slice(0, 32),

  async odd_mask() {
    try {
      return await mint({ lockAdditionalFields: ['config'] });
    } catch (error) {
      return `${error.status} ${JSON.parse(error.message).error.message}`;
    }
  },

  async partial_lock() {
    const config = { responseModalities: [Modality.AUDIO], temperature: 0.25 };
    const liveConnectConstraints = { model: MODEL, config };
    const token = await mint({ liveConnectConstraints, lockAdditionalFields: ['seed'] });
    const mine = { temperature: 1.9, seed: 5, systemInstruction: 'Mine.' };
    const conversation = await open(mine, token);
    const { effective_setup: effective } = await last();
    await conversation.close();
    return [effective.generationConfig, effective.systemInstruction.parts[0].text];
  },

  interruption: () => during({}, async (conversation, session) => {
    session.sendRealtimeInput({ text: LONG });
    await first(conversation, 'modelTurn');
    say(session, recording.subarray(0, 16_000));
    const seen = [];
    while (!seen.includes('turnComplete')) {
      const { serverContent: content = {} } = await conversation.next();
      const names = ['interrupted', 'generationComplete', 'turnComplete'];
      seen.push(...names.filter((name) => content[name]));
    }
    return seen;
  }),

  manual_activity: () => during(
    { realtimeInputConfig: { automaticActivityDetection: { disabled: true } } },
    async (conversation, session) => {
      session.sendRealtimeInput({ activityStart: {} });
      say(session, recording.subarray(0, 32_000));
      session.sendRealtimeInput({ activityEnd: {} });
      return (await turn(conversation)).heard;
    },
  ),

  stream_end: () => during({}, async (conversation, session) => {
    say(session, recording.subarray(0, 32_000));
    session.sendRealtimeInput({ audioStreamEnd: true });
    return (await turn(conversation)).heard;
  }),

  no_interruption: () => during(
    { realtimeInputConfig: { activityHandling: 'NO_INTERRUPTION' } },
    async (conversation, session) => {
      session.sendRealtimeInput({ text: 'Short, please.' });
      await first(conversation, 'modelTurn');
      say(session, recording);
      const told = [(await turn(conversation)).said, (await turn(conversation)).said];
      return [told[0].includes('Short'), told[1].includes('played back')];
    },
  ),

  async resume() {
    const conversation = await open({ sessionResumption: {} });
    conversation.session.sendRealtimeInput({ text: 'I live in Oslo.' });
    await turn(conversation);
    await skip(2);
    let update;
    do update = await first(conversation, 'sessionResumptionUpdate'); while (!update.resumable);
    const sessionResumption = { handle: update.newHandle };
    const openStill = await refusal({ sessionResumption });
    await conversation.close();
    return during({ sessionResumption }, async (resumed, session) => {
      session.sendRealtimeInput({ text: 'Where do I live?' });
      return [openStill.slice(0, 4), (await turn(resumed)).said.includes('Oslo')];
    });
  },

  go_away: () => during(
    { contextWindowCompression: { slidingWindow: {} } },
    async (conversation) => {
      await skip(551);
      const left = Number.parseFloat((await first(conversation, 'goAway')).timeLeft);
      return left > 40 && left < 50;
    },
  ),

  blocking_tool: () => during({ tools: tool('BLOCKING') }, async (conversation, session) => {
    session.sendRealtimeInput({ text: ASK });
    const { functionCalls: [{ id, name }] } = await first(conversation, 'toolCall');
    session.sendToolResponse({ functionResponses: [{ id, name, response: { reading: 4812 } }] });
    return [name, (await turn(conversation)).said.includes('4812')];
  }),

  cancelled_tool: () => during({ tools: tool('BLOCKING') }, async (conversation, session) => {
    session.sendRealtimeInput({ text: ASK });
    const { functionCalls: [{ id }] } = await first(conversation, 'toolCall');
    say(session, recording.subarray(0, 16_000));
    return (await first(conversation, 'toolCallCancellation')).ids.join() === id;
  }),

  scheduled_tool: () => during({ tools: tool('NON_BLOCKING') }, async (conversation, session) => {
    session.sendRealtimeInput({ text: ASK });
    const { functionCalls: [{ id, name }] } = await first(conversation, 'toolCall');
    await first(conversation, 'modelTurn');
    const answer = { id, name, response: { reading: 3 }, scheduling: 'INTERRUPT' };
    session.sendToolResponse({ functionResponses: [answer] });
    const interrupted = await first(conversation, 'interrupted');
    await turn(conversation);
    return [interrupted, (await turn(conversation)).said.includes('answered')];
  }),

  video: () => during({}, async (conversation, session) => {
    session.sendRealtimeInput({ video: { data: '/9g=', mimeType: 'image/jpeg' } });
    session.sendRealtimeInput({ text: 'What is it?' });
    const { said } = await turn(conversation);
    return [(await last()).counters.video_frames, said.includes('1 video frames')];
  }),

  context: () => during({}, async (conversation, session) => {
    let said = '';
    for (const text of ['Remember the number 1739.', 'Which number was it?']) {
      session.sendClientContent({ turns: [{ role: 'user', parts: [{ text }] }], turnComplete: true });
      ({ said } = await turn(conversation));
    }
    return said.includes('1739');
  }),

  usage: () => during({}, async (conversation, session) => {
    say(session, recording);
    const counted = await first(conversation, 'usageMetadata');
    const whole = counted.promptTokenCount + counted.responseTokenCount;
    return [whole === counted.totalTokenCount, counted.responseTokenCount > 20];
  }),
};

if (recording.length < VOICE_BYTES) throw new Error('SPEECH_FILE is too short');
const outcomes = {};
for (const [name, fact] of Object.entries(facts)) outcomes[name] = await fact();
process.stdout.write(JSON.stringify(outcomes));
