/** A React host that mounts the widget twice, as StrictMode does, listens to it, and unmounts it. */

import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';

const words = { launcher: 'Ask the shop' };

function Shop() {
  const [shown, show] = useState(true);
  const [state, become] = useState('idle');
  return (
    <>
      <button onClick={() => show(!shown)}>{shown ? 'Take it away' : 'Bring it back'}</button>
      <output>{state}</output>
      {shown && <live-agent input="both" strings={words} onlive-agent-state={({ detail }) => become(detail.state)} />}
    </>
  );
}

createRoot(document.querySelector('main')).render(
  <StrictMode>
    <Shop />
  </StrictMode>,
);
