/** A page with the React binding and a scripted Live API; the test changes what it shows by `show()`. */

import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { LiveProvider, useLiveSession, useTool, useTranscript } from 'tokensvc-live/react';
import { ScriptedTransport } from 'tokensvc-live/testing';

const api = new ScriptedTransport({ grant: { features: { tools: [{ name: 'look_up' }] } } });
Object.assign(globalThis, { api, renders: 0 });

function Controls() {
  const { session, state, error, muted } = useLiveSession();
  globalThis.session = session;
  return (
    <>
      <button onClick={() => session.start({ microphone: false, speaker: false }).catch(() => {})}>Start</button>
      <output>{error?.code ?? state}</output>
      {muted && <p>muted</p>}
    </>
  );
}

function Transcript() {
  globalThis.renders += 1;
  return <ol>{useTranscript().map(({ id, text }) => <li key={id}>{text}</li>)}</ol>;
}

function Tool({ answer }) {
  useTool('look_up', () => answer);
  return <p>{answer}</p>;
}

/** Starts by itself, where StrictMode runs the effect twice. */
function Hurry() {
  const { session } = useLiveSession();
  useEffect(() => {
    session.start({ microphone: false, speaker: false }).catch(() => {});
    return () => session.close();
  }, [session]);
}

function Page() {
  const [shown, change] = useState({ provider: true, transcript: true, answer: 'first', hurry: false, tool: true });
  globalThis.show = (changes) => change({ ...shown, ...changes });
  if (!shown.provider) return <p>Nothing</p>;
  return (
    <LiveProvider token={api.token} transport={api.transport}>
      <Controls />
      {shown.tool && <Tool answer={shown.answer} />}
      {shown.transcript && <Transcript />}
      {shown.hurry && <Hurry />}
    </LiveProvider>
  );
}

createRoot(document.querySelector('main')).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
