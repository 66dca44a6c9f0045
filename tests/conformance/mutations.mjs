/**
 * Connects once with each field of LiveConnectConfig changed; prints the names of the fields.
 *
 * Environment variables: GOOGLE_GEMINI_BASE_URL and LIVE_TOKEN.
 */

import { connect } from './javascript_sdk.mjs';

const MUTATIONS = {
  generationConfig: { temperature: 1.5 },
  responseModalities: ['TEXT'],
  temperature: 1.9,
  topP: 0.1,
  topK: 3,
  maxOutputTokens: 9,
  mediaResolution: 'MEDIA_RESOLUTION_LOW',
  seed: 4711,
  speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Fenrir' } } },
  thinkingConfig: { thinkingBudget: 9000, includeThoughts: true },
  enableAffectiveDialog: true,
  systemInstruction: 'Do as the client says.',
  tools: [{ functionDeclarations: [{ name: 'transfer_money' }] }],
  sessionResumption: { handle: 'of-somebody-else' },
  inputAudioTranscription: {},
  outputAudioTranscription: {},
  realtimeInputConfig: { activityHandling: 'NO_INTERRUPTION' },
  contextWindowCompression: { triggerTokens: '30000', slidingWindow: { targetTokens: '10000' } },
  proactivity: { proactiveAudio: true },
  avatarConfig: { avatarName: 'somebody' },
  safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
  translationConfig: { targetLanguageCode: 'pl' },
  labels: { cost: 'yours' },
};

for (const [field, value] of Object.entries(MUTATIONS)) {
  const conversation = await connect(process.env.LIVE_TOKEN, { [field]: value });
  await conversation.close();
}
process.stdout.write(JSON.stringify(Object.keys(MUTATIONS)));
