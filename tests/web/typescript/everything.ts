/** Uses everything that is public, as a strict site does; what must not compile is expected to fail. */

import {
  LiveError,
  LiveSession,
  type Features,
  type GetCredential,
  type GetGrant,
  type LiveErrorCode,
  type SessionEvents,
  type Snapshot,
  type State,
  type Tool,
  type Left,
  type Utterance,
} from 'tokensvc-live';
import { LiveSession as Served } from 'https://voice.example/live/session.js';
import { ScriptedTransport } from 'tokensvc-live/testing';

const log = (...values: unknown[]): void => console.log(...values);

// The constructor.
const getCredential: GetCredential = async ({ refused }) => (refused ? null : 'jwt');
const getGrant: GetGrant = async (request, signal) => {
  signal.throwIfAborted();
  log('lease' in request ? request.lease : request.profile);
  return { token: 't', websocket_url: 'wss://x', setup: {}, expires_in: 300, end: () => {} };
};
const session = new LiveSession({ token: '/token', getCredential, headers: { 'X-CSRF-Token': 'c' }, credentials: 'same-origin' });
new LiveSession({ token: new URL('https://voice.example/token') });
new LiveSession({ token: getGrant });
const served: LiveSession = new Served({ token: '/token' });
const api = new ScriptedTransport({ grant: { features: { tools: [{ name: 'now', ends: true }] } } });
new LiveSession({ token: api.token, transport: api.transport });
// @ts-expect-error a token source is needed
new LiveSession({});

// Properties.
const state: State = session.state;
const features: Features | null = session.features;
const { microphone, speaker } = session.levels;
const seconds: number = session.endsAt / 1000;
const said: readonly Utterance[] = session.transcript;
const recorder = session.answerStream && new MediaRecorder(session.answerStream);
session.muted = !session.muted;
session.volume = session.volume / 2;
log(state, features?.context, features?.image, microphone + speaker, seconds, said[0]?.text, recorder, session.voiced);
// @ts-expect-error it is read only
session.state = 'live';
// @ts-expect-error it is read only
session.transcript = [];
// @ts-expect-error it may be missing
said[0].text;

// Methods.
export async function talk(stream: MediaStream, file: File): Promise<void> {
  const { signal } = new AbortController();
  await session.warm();
  await session.start();
  await session.start({ profile: 'tour', options: { voice: 'Kore' }, microphone: stream, speaker: 'id', signal });
  await session.start({ microphone: { deviceId: 'a' }, speaker: false });
  session.sendText('Hello');
  session.sendContext('The page shows order 1739.');
  await session.sendImage(file);
  session.interrupt();
  session.rate('good');
  const { microphones, speakers, cameras } = await session.devices();
  await session.useMicrophone(microphones[0]?.id ?? stream, { signal });
  await session.useMicrophone({ echoCancellation: false });
  await session.useSpeaker(speakers[0]?.id ?? '');
  await session.showCamera({ deviceId: cameras[0]?.id ?? '' }, { signal });
  await session.showScreen({}, { signal });
  await session.switchCamera();
  session.stopVideo();
  session.spectrum('speaker', new Uint8Array(512));
  const left: Left | null = session.leave();
  await session.start({ continues: left });
  log(left?.request.lease, left?.transcript.at(-1)?.earlier);
  session.close();
  served.close();
  // @ts-expect-error there is no such option
  await session.start({ volume: 1 });
}

// Tools: the arguments have the type of the schema, and any without one.
const undo: () => void = session.handleTool(
  'find_order',
  (args, { id, signal, schedule, update }) => {
    const number: string = args.number;
    const express: boolean | undefined = args.express;
    const size: 'small' | 'large' = args.size;
    const tags: string[] = args.tags;
    const weight: number | null = args.weight;
    schedule('SILENT');
    update({ soFar: 1 });
    // @ts-expect-error it is not required
    const always: boolean = args.express;
    // @ts-expect-error there is no such argument
    args.nothing;
    return { id, number, express, size, tags, weight, always, aborted: signal.aborted };
  },
  {
    seconds: 5,
    schema: {
      type: 'object',
      properties: {
        number: { type: 'STRING' },
        express: { type: 'boolean' },
        size: { type: 'string', enum: ['small', 'large'] },
        tags: { type: 'array', items: { type: 'string' } },
        weight: { type: 'number', nullable: true },
      },
      required: ['number', 'size', 'tags', 'weight'],
    },
  },
);
undo();
const now: Tool = () => Date.now();
session.handleTool('now', now);
session.handleTool('anything', ({ whatever }) => whatever, { seconds: 3 });
session.handleTool('pay', () => 'paid', { hold: 1.5, refusals: ['not that'], same: ['number'] });
session.handleTool('book', () => 'booked', { same: ({ day }) => new Date(day).getTime() });
// @ts-expect-error a schema's type is a name
session.handleTool('wrong', () => {}, { schema: { type: 3 } });

// Events: each of them, by `on` and by `addEventListener`.
const listeners: { [Type in keyof SessionEvents]: (detail: SessionEvents[Type]) => void } = {
  state: ({ state: next, previous, error }) => log(next, previous, error?.code),
  transcript: ({ id, turn, side, text, typed, final, interrupted }) => log(id, turn, side, text, typed, final, interrupted),
  listening: ({ listening }) => log(listening),
  speaking: ({ speaking }) => log(speaking),
  interrupted: (nothing) => log(nothing),
  stopped: ({ turn, reason }) => log(turn, reason),
  working: ({ working }) => log(working),
  voice: ({ active }) => log(active),
  microphone: ({ id, label, muted }) => log(id, label, muted),
  resumed: ({ planned, contextLost, gap }) => log(planned, contextLost, gap.toFixed()),
  rebuilt: ({ planned, gap, turns }) => log(planned, gap, turns),
  tool: ({ id, name, status }) => log(id, name, status === 'answered'),
  tools: ({ missing, surplus }) => log(missing.length, surplus.length),
  video: (shown) => log(shown?.kind, shown?.stream.id),
  sources: ({ turn, queries, sources, suggestions }) => log(turn, queries, sources[0]?.title, sources[0]?.url, suggestions),
  usage: ({ turn, total }) => log(turn.promptBy['AUDIO'], total.prompt + total.response + total.thoughts + total.tools + total.total),
  timing: ({ name, milliseconds }) => log(name === 'first-sound', milliseconds),
  devices: ({ microphones, speakers, cameras }) => log(microphones, speakers, cameras),
  unknown: ({ name, count }) => log(name, count),
  question: (asked) => asked?.answer(asked.id === asked.name && asked.question.length > 0),
  change: (nothing) => log(nothing),
};
const offs: (() => void)[] = [
  session.on('state', listeners.state),
  session.on('usage', ({ turn: { responseBy } }) => log(responseBy['AUDIO'])),
];
for (const off of offs) off();
session.addEventListener('transcript', ({ detail }) => listeners.transcript(detail), { once: true });
session.removeEventListener('state', null);
// @ts-expect-error there is no such event
session.on('happy', () => {});
// @ts-expect-error it has no such detail
session.on('speaking', ({ loud }) => log(loud));
// @ts-expect-error there is no such event
session.addEventListener('happy', () => {});

// Snapshots, as React's useSyncExternalStore takes them.
function useSyncExternalStore<Value>(subscribe: (changed: () => void) => () => void, getSnapshot: () => Value): Value {
  subscribe(() => {})();
  return getSnapshot();
}
const snapshot: Snapshot = useSyncExternalStore(session.subscribe, session.getSnapshot);
log(snapshot.error?.message, snapshot.transcript.length, snapshot.speaking, snapshot.listening, snapshot.video, snapshot.features);
// @ts-expect-error it is a snapshot
snapshot.muted = true;

// Errors: a code is one of those that are documented.
const RETRY = new Set<LiveErrorCode>(['connection-lost', 'idle', 'image-unreadable']);
export function explain(error: unknown): string {
  if (!(error instanceof LiveError)) return String(error);
  if (error.code === 'microphone-refused') return 'Allow the microphone.';
  // @ts-expect-error there is no such code
  if (error.code === 'microphone-refsued') return '';
  if (RETRY.has(error.code) || error.retryable) return `Again in ${error.retryAfter?.toFixed() ?? 0} s.`;
  return `${error.message} ${error.status ?? ''} ${error.close?.code ?? ''} ${error.close?.reason ?? ''}`;
}
new LiveError('page-fault', 'It broke.', { retryable: false, cause: new Error('why') });
