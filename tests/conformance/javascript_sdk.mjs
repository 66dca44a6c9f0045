/** Google's JavaScript SDK, as the scripts here use it. */

import { readFileSync } from 'node:fs';
import { Behavior, GoogleGenAI, Modality } from '@google/genai';

const VERSION = 'v1beta';
const DEADLINE = 20_000;
export const MODEL = 'gemini-3.8-live';

const manifest = new URL('../node_modules/@google/genai/package.json', import.meta.url);
export const SDK_VERSION = JSON.parse(readFileSync(manifest, 'utf8')).version;

/** A session with everything that the conversations use. */
export function lockedConfig(tool) {
  return {
    responseModalities: [Modality.AUDIO],
    inputAudioTranscription: {},
    outputAudioTranscription: {},
    sessionResumption: {},
    tools: [
      {
        functionDeclarations: [
          { name: tool, description: 'Says what it says.', behavior: Behavior.BLOCKING },
        ],
      },
    ],
  };
}

/** A fully locked token, by the SDK. */
export async function mint(apiKey, config, uses = 1) {
  const ai = new GoogleGenAI({ apiKey, apiVersion: VERSION });
  const liveConnectConstraints = { model: MODEL, config };
  const token = await ai.authTokens.create({ config: { uses, liveConnectConstraints } });
  return token.name;
}

/** A session by token: its messages one by one, and an end that can be awaited. */
export async function connect(apiKey, config, model = MODEL) {
  // The SDK warns on each connection that tokens are experimental; standard output is the report.
  console.warn = () => {};
  const messages = [];
  let wake = () => {};
  let ended = () => {};
  const end = new Promise((resolve) => (ended = resolve));
  const ai = new GoogleGenAI({ apiKey, apiVersion: VERSION });
  const connecting = ai.live.connect({
    model,
    config,
    callbacks: {
      onmessage: (message) => {
        messages.push(message);
        wake();
      },
      onerror: () => {},
      onclose: (event) => ended({ code: event.code, reason: event.reason }),
    },
  });
  // The SDK waits for ever when the socket closes before setupComplete.
  const session = await soonest([
    connecting,
    end.then(({ code, reason }) => {
      throw new Error(`closed in setup: ${code} ${reason}`);
    }),
  ]);
  return {
    session,
    end,
    async next() {
      if (!messages.length) {
        await soonest([new Promise((resolve) => (wake = resolve)), end]);
      }
      if (!messages.length) throw new Error('closed while a message was awaited');
      return messages.shift();
    },
    async close() {
      session.close();
      return soonest([end]);
    },
  };
}

/** The first of *promises*, or an error when none comes in time. */
async function soonest(promises) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('nothing came in time')), DEADLINE);
  });
  try {
    return await Promise.race([...promises, late]);
  } finally {
    clearTimeout(timer);
  }
}
