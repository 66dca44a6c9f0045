import { LiveProvider, useLiveSession, useTool, useTranscript } from 'tokensvc-live/react';

/** A conversation with buttons and a transcript of our own. */
export function Agent({ service }) {
  return (
    <LiveProvider token={`${service}/token`}>
      <Controls />
      <Transcript />
    </LiveProvider>
  );
}

function Controls() {
  const { session, state, speaking, error } = useLiveSession();
  useTool('get_local_time', () => new Date().toString());

  const idle = state === 'idle' || state === 'closed';
  const press = () => (idle ? session.start().catch(() => {}) : session.close()); // `error` says what went wrong
  return (
    <>
      <button onClick={press}>{idle ? 'Talk' : 'Hang up'}</button>
      <p role="status">{error?.message ?? (speaking ? 'speaking' : state)}</p>
      {state === 'live' && <button onClick={() => session.sendText('What time is it?')}>What time is it?</button>}
    </>
  );
}

function Transcript() {
  return (
    <ol>
      {useTranscript().map(({ id, side, text }) => (
        <li key={id}>{`${side}: ${text}`}</li>
      ))}
    </ol>
  );
}
