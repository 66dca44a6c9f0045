/** The Live API's messages: builds the frames to send, and reads frames into events. */

import { LiveError } from '../errors.js';

/** @typedef {{id: string, name: string, args: Record<string, unknown>}} FunctionCall `id` may be empty */
/** @typedef {'INTERRUPT' | 'WHEN_IDLE' | 'SILENT'} Scheduling when the model uses a result that it did not wait for */
/**
 * `willContinue`: further results of the same call follow.
 * @typedef {{id?: string, name: string, response: {output: unknown} | {error: string}, scheduling?: Scheduling,
 *   willContinue?: true}} FunctionResponse
 */

/**
 * One event of a frame.
 * @typedef {{kind: 'setup-complete'}
 *   | {kind: 'interrupted'}
 *   | {kind: 'sound', samples: Int16Array<ArrayBuffer>}
 *   | {kind: 'transcript', side: 'user' | 'agent', text: string}
 *   | {kind: 'interim', text: string}
 *   | {kind: 'text', text: string}
 *   | {kind: 'voice-activity', active: boolean}
 *   | {kind: 'working', working: boolean}
 *   | {kind: 'tool-call', calls: FunctionCall[]}
 *   | {kind: 'tool-cancellation', ids: string[]}
 *   | {kind: 'sources', grounding: Fields}
 *   | {kind: 'usage', metadata: UsageMetadata}
 *   | {kind: 'generation-complete'}
 *   | {kind: 'turn-complete', reason?: string}
 *   | {kind: 'go-away', milliseconds: number}
 *   | {kind: 'handle', handle: string | null}
 *   | {kind: 'unknown', name: string}} ServerEvent `interim`: what the person seems to be saying; `text`: a part of the
 *   answer in writing; `working`: whether the model works on after this turn; `handle` is null while the session cannot
 *   be resumed
 */

/** @typedef {{title: string, url: string}} Source a page that grounds an answer */

/** @typedef {Record<string, unknown>} UsageMetadata */

/**
 * Each turn pays for the whole context again: `prompt` of a turn is the size of the context, `prompt` of the total is what
 * was paid for.
 * @typedef {object} Tokens
 * @property {number} prompt
 * @property {number} response
 * @property {number} thoughts
 * @property {number} tools
 * @property {number} total
 * @property {Record<string, number>} promptBy by modality: `AUDIO`, `TEXT`, `IMAGE`, `VIDEO`
 * @property {Record<string, number>} responseBy
 */

/** @typedef {Record<string, any>} Fields of a message; any of them may be absent, or of another type than documented */

/**
 * Writes a frame. A lone surrogate, which a JSON parser may refuse (RFC 8259, section 8.2), becomes U+FFFD.
 * @param {object} message
 * @returns {string}
 */
const frameOf = (message) =>
  JSON.stringify(message).replace(/\\\\|\\ud[89a-f]../g, (escaped) => (escaped[1] === 'u' ? '\\ufffd' : escaped));

/** @param {object} setup @returns {string} the first frame of every connection */
export const setupFrame = (setup) => frameOf({ setup });

/** @param {string} text @returns {string} */
export const textFrame = (text) => realtime({ text });

const TEXT = '{"realtimeInput":{"text":';

/** @param {string} frame @returns {string | null} its text; null for other frames */
export const textOf = (frame) => (frame.startsWith(TEXT) ? JSON.parse(frame).realtimeInput.text : null);

/**
 * @param {{role: 'user' | 'model', parts: object[]}[]} turns
 * @param {boolean} [turnComplete] whether they are to be answered
 * @returns {string}
 */
export const contentFrame = (turns, turnComplete = true) => frameOf({ clientContent: { turns, turnComplete } });

/** @param {Int16Array} samples @param {number} rate in hertz @returns {string} */
export function soundFrame(samples, rate) {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  return realtime({ audio: { data: encode(bytes), mimeType: `audio/pcm;rate=${rate}` } });
}

/** @param {Uint8Array} jpeg */
const blob = (jpeg) => ({ data: encode(jpeg), mimeType: 'image/jpeg' });

/** @param {Uint8Array} jpeg @returns {string} */
export const pictureFrame = (jpeg) => realtime({ video: blob(jpeg) });

/** @param {Uint8Array} jpeg @returns {object} a part of content */
export const picturePart = (jpeg) => ({ inlineData: blob(jpeg) });

/** @returns {string} sent when the microphone pauses, so that the model answers at once */
export const soundEndFrame = () => realtime({ audioStreamEnd: true });

/** @param {boolean} active whether the person speaks, where the token leaves turns to the client @returns {string} */
export const activityFrame = (active) => realtime(active ? { activityStart: {} } : { activityEnd: {} });

/** @param {FunctionResponse[]} functionResponses @returns {string} */
export const toolFrame = (functionResponses) => frameOf({ toolResponse: { functionResponses } });

/** @param {string} frame @returns {boolean} whether it ends the person's turn, so that an answer is due */
export const endsTurn = (frame) => /^\{"(clientContent.*true\}\}$|realtimeInput":\{"(text|activityEnd)":)/.test(frame);

/** @param {object} realtimeInput */
const realtime = (realtimeInput) => frameOf({ realtimeInput });

/** @param {ServerEvent} event @returns {boolean} whether it says nothing about where the answer is */
export const isAside = ({ kind }) => /^(usage|voice-activity|interim|working|unknown)$/.test(kind);

/**
 * Reads a frame, text or binary. A field of an unexpected type counts as absent.
 * @param {string | ArrayBuffer} frame
 * @returns {ServerEvent[]} in the order to act on them
 * @throws {LiveError} `protocol-violated` if it is not JSON
 */
export function readFrame(frame) {
  try {
    return [...events(fields(JSON.parse(typeof frame === 'string' ? frame : new TextDecoder().decode(frame))))];
  } catch (cause) {
    throw new LiveError('protocol-violated', 'The voice service sent an unexpected message. Please start again.', {
      retryable: true,
      cause,
    });
  }
}

/** @param {Fields} message @returns {Generator<ServerEvent>} */
function* events({
  setupComplete, serverContent, interactionStatus, usageMetadata, toolCall, toolCallCancellation, voiceActivity, goAway,
  sessionResumptionUpdate, ...others
}) {
  yield* unknown(others);
  if (setupComplete !== undefined) yield { kind: 'setup-complete' };
  // Documented in both places (Live API guide, "Thinking", and reference, `BidiGenerateContentServerContent`).
  yield* contents({ interactionStatus, ...fields(serverContent) });
  if (usageMetadata) yield { kind: 'usage', metadata: fields(usageMetadata) };
  yield* calls(list(fields(toolCall).functionCalls));
  if (toolCallCancellation) yield { kind: 'tool-cancellation', ids: list(fields(toolCallCancellation).ids) };
  const activity = fields(voiceActivity).type;
  if (activity === 'ACTIVITY_START' || activity === 'ACTIVITY_END') {
    yield { kind: 'voice-activity', active: activity === 'ACTIVITY_START' };
  }
  // A Duration in JSON is seconds and an "s" (protobuf.dev, ProtoJSON format).
  if (goAway) yield { kind: 'go-away', milliseconds: 1000 * (parseFloat(text(goAway.timeLeft)) || 0) };
  if (isObject(sessionResumptionUpdate)) {
    const { newHandle, resumable } = sessionResumptionUpdate;
    yield { kind: 'handle', handle: (resumable && text(newHandle)) || null };
  }
}

/**
 * Yields the interruption first and the end of the turn last, whatever else the message holds.
 * @param {Fields} content
 * @returns {Generator<ServerEvent>}
 */
function* contents({
  interrupted, interimInputTranscription, inputTranscription, outputTranscription, modelTurn, groundingMetadata,
  generationComplete, turnComplete, turnCompleteReason, interactionStatus, ...others
}) {
  yield* unknown(others);
  if (/^(IN_PROGRESS|REQUIRES_ACTION|IDLE)$/.test(text(interactionStatus))) {
    yield { kind: 'working', working: interactionStatus !== 'IDLE' };
  }
  if (interrupted) yield { kind: 'interrupted' };
  const [interim, heard, said] = [interimInputTranscription, inputTranscription, outputTranscription].map((each) => text(fields(each).text));
  if (interim) yield { kind: 'interim', text: interim };
  if (heard) yield { kind: 'transcript', side: 'user', text: heard };
  if (said) yield { kind: 'transcript', side: 'agent', text: said };
  for (const part of list(fields(modelTurn).parts)) yield* partOf(fields(part));
  if (groundingMetadata) yield { kind: 'sources', grounding: fields(groundingMetadata) };
  if (generationComplete) yield { kind: 'generation-complete' };
  const reason = text(turnCompleteReason);
  if (turnComplete) yield { kind: 'turn-complete', ...(reason && { reason }) };
}

/** @param {Fields} part @returns {Generator<ServerEvent>} */
function* partOf({ inlineData, text: words, thought, functionCall }) {
  const { mimeType, data } = fields(inlineData);
  if (text(mimeType).startsWith('audio/pcm')) {
    const samples = samplesOf(text(data));
    if (samples.length > 0) yield { kind: 'sound', samples };
  }
  // Thoughts are not part of the answer.
  if (text(words) && !thought) yield { kind: 'text', text: words };
  yield* calls([functionCall]);
}

/** @param {unknown[]} issued @returns {Generator<ServerEvent>} */
function* calls(issued) {
  // One with neither cannot be answered.
  const known = issued.map(fields).filter(({ id, name }) => text(id) || typeof name === 'string');
  if (known.length === 0) return;
  yield {
    kind: 'tool-call',
    calls: known.map(({ id, name, args }) => ({ id: text(id), name: text(name), args: Array.isArray(args) ? {} : fields(args) })),
  };
}

/** @param {Fields} others @returns {Generator<ServerEvent>} */
function* unknown(others) {
  for (const name of Object.keys(others)) yield { kind: 'unknown', name };
}

/** @param {UsageMetadata} metadata @returns {Tokens} a count of another type is 0 */
export function tokensOf(metadata) {
  const count = (/** @type {unknown} */ value) => (typeof value === 'number' ? value : 0);
  const of = (/** @type {string} */ name) => count(metadata[name]);
  const by = (/** @type {string} */ name) =>
    Object.fromEntries(list(metadata[name]).map(fields).map(({ modality, tokenCount }) => [text(modality), count(tokenCount)]));
  return {
    prompt: of('promptTokenCount'),
    response: of('responseTokenCount'),
    thoughts: of('thoughtsTokenCount'),
    tools: of('toolUsePromptTokenCount'),
    total: of('totalTokenCount'),
    promptBy: by('promptTokensDetails'),
    responseBy: by('responseTokensDetails'),
  };
}

/** @param {string} data in base64 @returns {Int16Array<ArrayBuffer>} empty if it is not */
function samplesOf(data) {
  try {
    const bytes = decode(data);
    return new Int16Array(bytes.buffer, 0, bytes.byteLength >> 1);
  } catch {
    return new Int16Array();
  }
}

/** @param {unknown} value @returns {value is Fields} */
const isObject = (value) => typeof value === 'object' && value !== null;

/** @param {unknown} value @returns {Fields} none for anything but an object */
export const fields = (value) => (isObject(value) ? value : {});

/** @param {unknown} value @returns {any[]} empty for anything but a list */
export const list = (value) => (Array.isArray(value) ? value : []);

/** @param {unknown} value @returns {string} empty for anything but a string */
export const text = (value) => (typeof value === 'string' ? value : '');

// Spreading a large array into one call overflows the stack; a slice of this size does not.
const SLICE = 0x8000;

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encode(bytes) {
  if (typeof bytes.toBase64 === 'function') return bytes.toBase64();
  let binary = '';
  for (let start = 0; start < bytes.length; start += SLICE) {
    binary += String.fromCharCode.apply(null, [...bytes.subarray(start, start + SLICE)]);
  }
  return btoa(binary);
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function decode(text) {
  if (typeof Uint8Array.fromBase64 === 'function') return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
