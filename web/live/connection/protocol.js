/** The Live API's messages: builds the frames to send, and reads frames into events. */

import { decode, encode } from './base64.js';
import { LiveError } from '../errors.js';

/** @typedef {{id: string, name: string, args: Record<string, unknown>}} FunctionCall */
/** @typedef {'INTERRUPT' | 'WHEN_IDLE' | 'SILENT'} Scheduling when the model uses a result that it did not wait for */
/**
 * @typedef {{id: string, name: string, response: {output: unknown} | {error: string}, scheduling?: Scheduling}} FunctionResponse
 */

/**
 * One event of a frame.
 * @typedef {{kind: 'setup-complete'}
 *   | {kind: 'interrupted'}
 *   | {kind: 'sound', samples: Int16Array<ArrayBuffer>}
 *   | {kind: 'transcript', side: 'user' | 'agent', text: string}
 *   | {kind: 'voice-activity', active: boolean}
 *   | {kind: 'tool-call', calls: FunctionCall[]}
 *   | {kind: 'tool-cancellation', ids: string[]}
 *   | {kind: 'sources', queries: string[], sources: Source[]}
 *   | {kind: 'usage', metadata: UsageMetadata}
 *   | {kind: 'generation-complete'}
 *   | {kind: 'turn-complete'}
 *   | {kind: 'go-away', milliseconds: number}
 *   | {kind: 'handle', handle: string | null}} ServerEvent `handle` is null while the session cannot be resumed
 */

/** @typedef {{title: string, url: string}} Source a page that grounds an answer */

/**
 * The part of BidiGenerateContentServerMessage that is read here; every field may be absent.
 * @typedef {{modality?: string, tokenCount?: number}[]} ByModality
 * @typedef {{promptTokenCount?: number, responseTokenCount?: number, thoughtsTokenCount?: number,
 *   toolUsePromptTokenCount?: number, totalTokenCount?: number,
 *   promptTokensDetails?: ByModality, responseTokensDetails?: ByModality}} UsageMetadata
 * @typedef {{text?: string, thought?: boolean, inlineData?: {mimeType?: string, data?: string},
 *   functionCall?: Partial<FunctionCall>}} Part
 * @typedef {{webSearchQueries?: string[], groundingChunks?: {web?: {uri?: string, title?: string}}[]}} Grounding
 * @typedef {{interrupted?: boolean, generationComplete?: boolean, turnComplete?: boolean, modelTurn?: {parts?: Part[]},
 *   inputTranscription?: {text?: string}, outputTranscription?: {text?: string},
 *   groundingMetadata?: Grounding}} ServerContent
 * @typedef {{setupComplete?: object, serverContent?: ServerContent, usageMetadata?: UsageMetadata,
 *   toolCall?: {functionCalls?: Partial<FunctionCall>[]}, toolCallCancellation?: {ids?: string[]},
 *   voiceActivity?: {type?: string}, goAway?: {timeLeft?: string},
 *   sessionResumptionUpdate?: {newHandle?: string, resumable?: boolean}}} ServerMessage
 */

/** @param {object} setup @returns {string} the first frame of every connection */
export const setupFrame = (setup) => JSON.stringify({ setup });

/** @param {string} text @returns {string} */
export const textFrame = (text) => realtime({ text });

const TEXT = '{"realtimeInput":{"text":';

/** @param {string} frame @returns {string | null} its text; null for other frames */
export const textOf = (frame) => (frame.startsWith(TEXT) ? JSON.parse(frame).realtimeInput.text : null);

/** @param {{role: 'user' | 'model', parts: {text: string}[]}[]} turns @returns {string} */
export const contentFrame = (turns) => JSON.stringify({ clientContent: { turns, turnComplete: true } });

/** @param {Int16Array} samples @param {number} rate in hertz @returns {string} */
export function soundFrame(samples, rate) {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  return realtime({ audio: { data: encode(bytes), mimeType: `audio/pcm;rate=${rate}` } });
}

/** @param {Uint8Array} jpeg @returns {string} */
export const pictureFrame = (jpeg) => realtime({ video: { data: encode(jpeg), mimeType: 'image/jpeg' } });

/** @returns {string} sent when the microphone pauses, so that the model answers at once */
export const soundEndFrame = () => realtime({ audioStreamEnd: true });

/** @param {boolean} active whether the person speaks, where the token leaves turns to the client @returns {string} */
export const activityFrame = (active) => realtime(active ? { activityStart: {} } : { activityEnd: {} });

/** @param {FunctionResponse[]} functionResponses @returns {string} */
export const toolFrame = (functionResponses) => JSON.stringify({ toolResponse: { functionResponses } });

/** @param {string} frame @returns {boolean} whether it ends the person's turn, so that an answer is due */
export const endsTurn = (frame) => /^\{"(clientContent|realtimeInput":\{"(text|activityEnd))":/.test(frame);

/** @param {object} realtimeInput */
const realtime = (realtimeInput) => JSON.stringify({ realtimeInput });

/**
 * Reads a frame, text or binary.
 * @param {string | ArrayBuffer} frame
 * @returns {ServerEvent[]} in the order to act on them; empty for an unknown kind of message
 * @throws {LiveError} `protocol-violated`
 */
export function readFrame(frame) {
  /** @type {unknown} */
  let message;
  try {
    message = JSON.parse(typeof frame === 'string' ? frame : new TextDecoder().decode(frame));
    if (typeof message !== 'object' || message === null) throw new TypeError('not an object');
    return [...events(message)];
  } catch (cause) {
    throw new LiveError('protocol-violated', 'The voice service sent an unexpected message. Please start again.', {
      retryable: true,
      cause,
    });
  }
}

/** @param {ServerMessage} message @returns {Generator<ServerEvent>} */
function* events(message) {
  if (message.setupComplete) yield { kind: 'setup-complete' };
  if (message.serverContent) yield* contents(message.serverContent);
  if (message.usageMetadata) yield { kind: 'usage', metadata: message.usageMetadata };
  const calls = message.toolCall?.functionCalls ?? [];
  if (calls.length > 0) yield { kind: 'tool-call', calls: calls.map(completed) };
  if (message.toolCallCancellation) yield { kind: 'tool-cancellation', ids: message.toolCallCancellation.ids ?? [] };
  const activity = message.voiceActivity?.type;
  if (activity === 'ACTIVITY_START' || activity === 'ACTIVITY_END') {
    yield { kind: 'voice-activity', active: activity === 'ACTIVITY_START' };
  }
  // A Duration in JSON is seconds and an "s" (protobuf.dev, ProtoJSON format).
  if (message.goAway) yield { kind: 'go-away', milliseconds: 1000 * (parseFloat(message.goAway.timeLeft ?? '') || 0) };
  if (message.sessionResumptionUpdate) {
    const { newHandle, resumable } = message.sessionResumptionUpdate;
    yield { kind: 'handle', handle: (resumable && newHandle) || null };
  }
}

/**
 * Yields the interruption first and the end of the turn last, whatever else the message holds.
 * @param {ServerContent} content
 * @returns {Generator<ServerEvent>}
 */
function* contents(content) {
  if (content.interrupted) yield { kind: 'interrupted' };
  if (content.inputTranscription?.text) {
    yield { kind: 'transcript', side: 'user', text: content.inputTranscription.text };
  }
  if (content.outputTranscription?.text) {
    yield { kind: 'transcript', side: 'agent', text: content.outputTranscription.text };
  }
  for (const part of content.modelTurn?.parts ?? []) {
    if (part.inlineData?.mimeType?.startsWith('audio/pcm')) {
      yield { kind: 'sound', samples: samplesOf(part.inlineData.data ?? '') };
    }
    // Thoughts are not part of the answer.
    if (part.text && !part.thought) yield { kind: 'transcript', side: 'agent', text: part.text };
    if (part.functionCall) yield { kind: 'tool-call', calls: [completed(part.functionCall)] };
  }
  if (content.groundingMetadata) yield grounds(content.groundingMetadata);
  if (content.generationComplete) yield { kind: 'generation-complete' };
  if (content.turnComplete) yield { kind: 'turn-complete' };
}

/** @param {Grounding} grounding @returns {ServerEvent} with web addresses only, because a page makes links of them */
function grounds({ webSearchQueries = [], groundingChunks = [] }) {
  const sources = groundingChunks
    .map(({ web }) => ({ title: web?.title ?? '', url: web?.uri ?? '' }))
    .filter(({ url }) => /^https?:\/\//i.test(url));
  return { kind: 'sources', queries: webSearchQueries, sources };
}

/** @param {string} text @returns {Int16Array<ArrayBuffer>} */
function samplesOf(text) {
  const bytes = decode(text);
  return new Int16Array(bytes.buffer, 0, bytes.byteLength >> 1);
}

/** @param {Partial<FunctionCall>} call @returns {FunctionCall} */
const completed = ({ id = '', name = '', args = {} }) => ({ id, name, args });
