/** The widget as the attributes make it, live. */

import { say } from '../page/elements.js';

const ELSEWHERE = {
  floating: 'It floats in a corner of this page.',
  inline: '',
  headless: 'It shows nothing: this button and these words are the page’s own, by its methods and events.',
};

/** Makes a new element for each change: some attributes count from the start only. */
export class Trial {
  #place;
  #elsewhere;

  /** @param {HTMLElement} place @param {HTMLElement} elsewhere where it is said that it is not in its place */
  constructor(place, elsewhere) {
    this.#place = place;
    this.#elsewhere = elsewhere;
  }

  /** @param {Record<string, string>} attributes */
  show(attributes) {
    const agent = /** @type {import('../widget/element.js').LiveAgent} */ (document.createElement('live-agent'));
    for (const [name, value] of Object.entries(attributes)) agent.setAttribute(name, value);
    if (agent.mode === 'headless') agent.append(...drawn(agent));
    say(this.#elsewhere, ELSEWHERE[agent.mode]);
    this.#place.replaceChildren(agent);
  }
}

/** The least that a host has to draw. @param {import('../widget/element.js').LiveAgent} agent */
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
      // The event tells it, with all others.
    }
  });
  agent.addEventListener('state', (event) => {
    const { detail } = /** @type {CustomEvent<import('../live/session.js').SessionEvents['state']>} */ (event);
    draw();
    say(error, detail.error?.message ?? '');
  });
  draw();
  say(error, '');
  return [button, status, error];
}
