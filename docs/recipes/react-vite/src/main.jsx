import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Agent } from './agent.jsx';

const service = import.meta.env.VITE_TOKENSVC_URL ?? 'http://localhost:8080';

createRoot(document.querySelector('#app')).render(
  <StrictMode>
    <h1>Tea shop</h1>
    <Agent service={service} />
  </StrictMode>,
);
