/** Helpers for Google's JavaScript SDK. */

import { readFileSync } from 'node:fs';
import { Behavior, GoogleGenAI, Modality } from '@google/genai';

const VERSION = 'v1beta';
const DEADLINE = 20_000;
export const MODEL = 'gemini-3.8-live';

const manifest = new URL('../node_modules/@google/genai/package.json', import.meta.url);
export const SDK_VERSION = JSON.parse(readFileSync(manifest, 'utf8')).version;

/** Return a config with everything that the conversations use. */
export function lockedConfig(tool) {
  return {
    responseModalities: [Modality.AUDIO],
    inputAudioTranscription: {},
    outputAudioTranscription: {},
    sessionResumption: {},
    tools: [
      {
        functionDeclarations: [
          { name: tool, description: 'Returns a word.', behavior: Behavior.BLOCKING },
        ],
      },
    ],
  };
}

/** Mint a fully locked token. */
export async function mint(apiKey, config, uses = 1) {
  const ai = new GoogleGenAI({ apiKey, apiVersion: VERSION });
  const liveConnectConstraints = { model: MODEL, config };
  const token = await ai.authTokens.create({ config: { uses, liveConnectConstraints } });
  return token.name;
}

/** Open a session: its messages one by one, and its end as a promise. */
export async function connect(apiKey, config, model = MODEL) {
  // The SDK warns on each connection that tokens are experimental; standard output is for the report.
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
  // The SDK waits forever if the socket closes before setupComplete.
  const session = await firstOf([
    connecting,
    end.then(({ code, reason }) => {
      throw new Error(`closed before setupComplete: ${code} ${reason}`);
    }),
  ]);
  return {
    session,
    end,
    async next() {
      if (!messages.length) {
        await firstOf([new Promise((resolve) => (wake = resolve)), end]);
      }
      if (!messages.length) throw new Error('closed while waiting for a message');
      return messages.shift();
    },
    async close() {
      session.close();
      return firstOf([end]);
    },
  };
}

/** The first of *promises* to settle; throws if none does in time. */
async function firstOf(promises) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), DEADLINE);
  });
  try {
    return await Promise.race([...promises, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
