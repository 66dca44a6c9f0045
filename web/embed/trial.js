/** Shows the widget with the chosen attributes. */

import { setText } from '../page/elements.js';
import { colors } from './lines.js';

const ELSEWHERE = {
  floating: 'The widget floats in a corner of this page.',
  inline: '',
  headless: 'The widget draws nothing itself. The page draws this button and text, using the widget’s methods and events.',
};

/** Keeps one element, so that a change does not end a conversation. */
export class Trial {
  #place;
  #elsewhere;
  #agent = /** @type {import('../widget/element.js').LiveAgent} */ (document.createElement('live-agent'));
  #title = document.createElement('span');
  #drawn = drawn(this.#agent);
  /** @type {Record<string, string | true>} */
  #shown = {};

  /** @param {HTMLElement} place @param {HTMLElement} elsewhere says where the widget is, if not in this place */
  constructor(place, elsewhere) {
    this.#place = place;
    this.#elsewhere = elsewhere;
    this.#title.slot = 'title';
  }

  /** @param {import('./attributes.js').Design} design */
  show({ attributes, title, accent }) {
    const agent = this.#agent;
    for (const name of Object.keys({ ...this.#shown, ...attributes })) {
      const value = attributes[name];
      if (value === this.#shown[name]) continue; // the visitor may have opened or minimized it
      if (value === undefined) agent.removeAttribute(name);
      else agent.setAttribute(name, value === true ? '' : value);
    }
    this.#shown = attributes;
    for (const property of ['--live-agent-accent', '--live-agent-on-accent']) agent.style.removeProperty(property);
    for (const [property, value] of colors(accent)) agent.style.setProperty(property, value);
    this.#title.textContent = title;
    this.#set(this.#title, title !== null);
    for (const part of this.#drawn) this.#set(part, agent.mode === 'headless');
    setText(this.#elsewhere, ELSEWHERE[agent.mode]);
    if (!agent.isConnected) this.#place.append(agent);
  }

  /** @param {Element} part of the element's content @param {boolean} wanted */
  #set(part, wanted) {
    if (!wanted) part.remove();
    else if (part.parentNode !== this.#agent) this.#agent.append(part);
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
  agent.addEventListener('live-agent-state', ({ detail }) => {
    draw();
    setText(error, detail.error?.message ?? '');
  });
  draw();
  setText(error, '');
  return [button, status, error];
}
