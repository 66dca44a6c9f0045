/** The second view: the widget, and the choice of a profile. */

import { LiveAgent } from '../widget/element.js';
import { block, element } from './elements.js';

/** @typedef {import('./account.js').Profile} Profile */

/** Has a new widget for each person, so that nobody sees what another one said. */
export class Conversation {
  #account;
  #words;
  #refused;
  #view = block('conversation');
  #menu = element('profile', HTMLSelectElement);
  /** @type {Profile[]} */
  #profiles = [];
  /** @type {LiveAgent | null} */
  #agent = null;

  /**
   * @param {import('./account.js').Account} account
   * @param {import('./words.js').Words} words
   * @param {() => void} refused called when the person has to sign in again
   */
  constructor(account, words, refused) {
    LiveAgent.define();
    this.#account = account;
    this.#words = words;
    this.#refused = refused;
    this.#menu.addEventListener('change', () => this.#choose());
  }

  /** @param {Profile[]} profiles at least one */
  async open(profiles) {
    this.#profiles = profiles;
    this.#menu.replaceChildren(...profiles.map(({ name }) => new Option(name, name, false, name === 'default')));
    block('profile-row').hidden = profiles.length === 1;
    const agent = this.#agent = this.#widget();
    this.speak();
    this.#choose();
    this.#view.append(agent);
    this.#view.hidden = false;
    await agent.warm();
    /** @type {HTMLElement | null | undefined} */ (agent.shadowRoot?.querySelector('[part~="start"]'))?.focus();
  }

  close() {
    this.#agent?.stop();
    this.#agent?.remove();
    this.#agent = null;
    this.#view.hidden = true;
  }

  /** Follows the page's language. */
  speak() {
    const strings = { 'tool:get_local_time': this.#words.text('tool.clock') };
    if (this.#agent) Object.assign(this.#agent, { lang: document.documentElement.lang, strings });
  }

  #choose() {
    const profile = /** @type {Profile} */ (this.#profiles.find(({ name }) => name === this.#menu.value));
    if (this.#agent) Object.assign(this.#agent, { profile: profile.name, greeting: profile.description, options: {} });
  }

  #widget() {
    const agent = document.createElement('live-agent');
    Object.assign(agent, { mode: 'inline', open: true });
    agent.getCredential = (situation) => this.#account.credential(situation);
    agent.handleTool('get_local_time', () => ({
      local_time: new Date().toLocaleString('en', { dateStyle: 'full', timeStyle: 'long' }),
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }));
    agent.addEventListener('live-agent-state', ({ detail: { state } }) => {
      this.#menu.disabled = state !== 'idle' && state !== 'closed';
    });
    agent.addEventListener('live-agent-error', ({ detail: error }) => {
      if (error.status === 401) this.#refused();
    });
    return agent;
  }
}
