/** Shows Google's Search Suggestions, as its terms require: exactly as provided, in a sandboxed frame of the service. */

import { make } from './dom.js';

const TALLEST = 600;

/**
 * @param {string | URL} service its absolute address
 * @param {string} html of one `searchEntryPoint`
 * @param {string} title of the frame, for screen readers
 * @returns {HTMLIFrameElement} as tall as what it shows, once it is in the page
 */
export function suggestionsFrame(service, html, title) {
  const frame = make('iframe', 'suggestion', {
    src: new URL('suggestions', service).href,
    sandbox: 'allow-scripts allow-popups allow-popups-to-escape-sandbox',
    referrerpolicy: 'no-referrer',
    title,
    width: '100%',
    height: '0',
  });
  // Again wherever it is moved to, because a frame that is moved is loaded again.
  frame.addEventListener('load', () => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      if (Number.isFinite(data)) frame.height = String(Math.min(TALLEST, Math.ceil(data)));
    };
    // A sandboxed frame has no origin that could be named.
    frame.contentWindow?.postMessage(html, '*', [port2]);
  });
  return frame;
}
