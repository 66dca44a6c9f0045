/** Holds a short conversation, and reports the result as JSON. */

async (service) => {
  const { LiveSession } = await import(`${service}/live/session.js`);
  const session = new LiveSession({ token: `${service}/token` });
  const states = [];
  session.addEventListener('state', ({ detail }) => states.push(detail.state));
  const happens = (type, wanted) =>
    new Promise((resolve) => {
      session.addEventListener(type, ({ detail }) => {
        if (wanted(detail)) resolve(detail);
      });
    });
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  await session.start();
  let microphone = 0;
  while (microphone < 0.01) {
    await pause(20);
    microphone = session.levels.microphone;
  }
  await pause(500);
  session.muted = true;
  const answered = happens('transcript', ({ side, final, text }) => side === 'agent' && final && text.includes('Hello'));
  session.sendText('Hello');
  await happens('speaking', ({ speaking }) => speaking);
  let speaker = 0;
  let finished = false;
  happens('speaking', ({ speaking }) => !speaking).then(() => (finished = true));
  while (!finished) {
    await pause(20);
    speaker = Math.max(speaker, session.levels.speaker);
  }
  const { text } = await answered;
  session.close();
  return JSON.stringify({ states, text, microphone, speaker });
}
