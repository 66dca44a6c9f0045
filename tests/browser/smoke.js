/** Holds a short conversation, and reports the result as JSON, or where it is stuck. */

async (service) => {
  let stage = 'loading';
  const states = [];
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  async function converse() {
    const { LiveSession } = await import(`${service}/live/session.js`);
    const session = new LiveSession({ token: `${service}/token` });
    session.addEventListener('state', ({ detail }) => states.push(detail.state));
    const happens = (type, wanted) =>
      new Promise((resolve) => {
        session.addEventListener(type, ({ detail }) => {
          if (wanted(detail)) resolve(detail);
        });
      });
    stage = 'starting';
    await session.start();
    stage = 'listening';
    let microphone = 0;
    while (microphone < 0.01) {
      await pause(20);
      microphone = session.levels.microphone;
    }
    await pause(500);
    session.muted = true;
    stage = 'awaiting the answer';
    const answered = happens('transcript', ({ side, final, text }) => side === 'agent' && final && text.includes('Hello'));
    session.sendText('Hello');
    await happens('speaking', ({ speaking }) => speaking);
    stage = 'listening to the answer';
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

  return Promise.race([
    converse(),
    pause(45_000).then(() => {
      throw new Error(`stuck while ${stage}, after ${states}`);
    }),
  ]);
}
