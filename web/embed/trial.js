/** Shows the widget with the chosen attributes. */

import { setText } from '../page/elements.js';

const ELSEWHERE = {
  floating: 'The widget floats in a corner of this page.',
  inline: '',
  headless: 'The widget draws nothing itself. The page draws this button and text, using the widget’s methods and events.',
};

/** Creates a new element for each change, because some attributes are read only at the start. */
export class Trial {
  #place;
  #elsewhere;

  /** @param {HTMLElement} place @param {HTMLElement} elsewhere says where the widget is, if not in this place */
  constructor(place, elsewhere) {
    this.#place = place;
    this.#elsewhere = elsewhere;
  }

  /** @param {Record<string, string>} attributes */
  show(attributes) {
    const agent = /** @type {import('../widget/element.js').LiveAgent} */ (document.createElement('live-agent'));
    for (const [name, value] of Object.entries(attributes)) agent.setAttribute(name, value);
    if (agent.mode === 'headless') agent.append(...drawn(agent));
    setText(this.#elsewhere, ELSEWHERE[agent.mode]);
    this.#place.replaceChildren(agent);
  }
}

/** Draws the minimum for a headless host. @param {import('../widget/element.js').LiveAgent} agent */
function drawn(agent) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'secondary';
  const status = document.createElement('p');
  status.setAttribute('role', 'status');
  const error = document.createElement('p');
  error.setAttribute('role', 'alert');
  error.className = 'error';
  const resting = () => agent.state === 'idle' || agent.state === 'closed';
  const draw = () => {
    button.textContent = resting() ? 'Talk' : 'Stop';
    status.textContent = agent.state;
  };
  button.addEventListener('click', async () => {
    if (!resting()) {
      agent.stop();
      return;
    }
    try {
      await agent.start();
    } catch {
      // The state event has reported it.
    }
  });
  agent.addEventListener('state', (event) => {
    const { detail } = /** @type {CustomEvent<import('../live/session.js').SessionEvents['state']>} */ (event);
    draw();
    setText(error, detail.error?.message ?? '');
  });
  draw();
  setText(error, '');
  return [button, status, error];
}
