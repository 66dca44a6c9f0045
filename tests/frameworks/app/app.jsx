import { StrictMode } from 'react';
import 'tokensvc-live/widget';
import { Agent } from './agent.jsx'; // from docs/recipes/react-vite
import { service } from './service.js';

export function App() {
  return (
    <StrictMode>
      <Agent service={service} />
      <live-agent mode="inline" service={service} />
    </StrictMode>
  );
}
