'use client';

import { useEffect, useRef } from 'react';
import 'tokensvc-live/widget';

const service = process.env.NEXT_PUBLIC_TOKENSVC_URL ?? 'http://localhost:8080';

export function Agent() {
  const agent = useRef(null);
  useEffect(() => {
    // What the model may ask the page for; the service declares it in guests.toml.
    agent.current.handleTool('get_local_time', () => new Date().toString());
  }, []);
  return <live-agent ref={agent} service={service} />;
}
