/** A component that uses the hooks and the widget; what it must not be able to do is expected to fail. */

import { LiveProvider, useLiveSession, useTool, useTranscript } from 'tokensvc-live/react';

function Talk() {
  const { session, state, error, speaking } = useLiveSession();
  const sides: ('user' | 'agent')[] = useTranscript().map(({ side }) => side);
  useTool('now', ({ zone }, { signal }) => [zone, signal.aborted], { seconds: 5 });
  useTool('find', ({ number }) => number.toFixed(), { schema: { type: 'object', properties: { number: { type: 'number' } }, required: ['number'] } });
  // @ts-expect-error it is a number
  useTool('find', ({ number }) => number.trim(), { schema: { type: 'object', properties: { number: { type: 'number' } }, required: ['number'] } });
  // @ts-expect-error it is not a state
  const wrong: boolean = state === 'lively';
  return <button onClick={() => session.start()}>{error?.message ?? (speaking || wrong ? sides[0] : state)}</button>;
}

export const Page = () => (
  <LiveProvider token="https://voice.example/token" getCredential={() => 'jwt'}>
    <Talk />
    <live-agent
      service="https://voice.example/" mode="inline" push-to-talk options={{ voice: 'Kore' }} context={{ page: 'Cart' }} keep="session" consent-days={30} className="agent"
      ref={(agent) => void agent?.warm()} onlive-agent-state={({ detail }) => detail.error?.code}
    />
  </LiveProvider>
);
// @ts-expect-error a token source is needed
export const Nothing = () => <LiveProvider />;
export const Quiet = ({ held }: { held: boolean }) => <live-agent push-to-talk={held || undefined} consent={undefined} onlive-agent-error={undefined} />;
// @ts-expect-error it is not a mode
export const Floating = () => <live-agent mode="flying" />;
