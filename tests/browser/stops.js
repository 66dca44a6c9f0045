/** Holds spoken conversations side by side, in each of which the person says “stop” at some moment. */

/**
 * @param {{request: string, stop: string}} speech WAV files in base64
 * @param {string[]} profiles one for each conversation
 * @param {'never' | 'in-one-breath' | 'after-the-call' | 'during-the-answer' | 'during-the-announcement'} when
 * @returns {Promise<{responses: object[], statuses: string[]}[]>}
 */
export async function converse({ LiveSession }, speech, profiles, when) {
  const context = new AudioContext();
  await context.resume();
  const sounds = Object.fromEntries(await Promise.all(Object.entries(speech).map(async ([name, wav]) => {
    const bytes = Uint8Array.from(atob(wav), (character) => character.charCodeAt(0));
    return [name, await context.decodeAudioData(bytes.buffer)];
  })));
  return Promise.all(profiles.map((profile) => one(LiveSession, context, sounds, profile, when)));
}

async function one(LiveSession, context, sounds, profile, when) {
  const microphone = context.createMediaStreamDestination();
  const say = (name) => {
    const source = new AudioBufferSourceNode(context, { buffer: sounds[name] });
    source.connect(microphone);
    source.start();
  };
  const session = new LiveSession({ token: '/token' });
  const statuses = [];
  const decided = Promise.withResolvers();
  let stopped = when === 'never' || when === 'in-one-breath';
  const stop = () => {
    if (!stopped) say('stop');
    stopped = true;
  };
  session.on('tool', ({ status }) => {
    statuses.push(status);
    if (status === 'running' && when === 'after-the-call') setTimeout(stop, 1000);
    if (status === 'answered' || status === 'failed') setTimeout(decided.resolve, when === 'never' ? 500 : 4000);
  });
  session.on('transcript', ({ side }) => {
    if (side === 'agent' && when.startsWith('during')) stop();
  });
  await session.start({ profile, microphone: microphone.stream });
  say('request');
  await Promise.race([decided.promise, new Promise((resolve) => setTimeout(resolve, 25_000))]);
  const transcript = session.transcript.map(({ side, text }) => `${side}: ${text}`);
  session.close();
  return { statuses, transcript };
}
