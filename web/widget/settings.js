/** The settings: the profile's options, devices and volume. */

import { make } from './dom.js';
import { addStyles } from './extra-styles.js';
import { nearest } from './locales/index.js';
import { over } from './over.js';
import { ownName } from './own-name.js';
import { rareWords } from './rare-words.js';
import { Words } from './words.js';

/** @typedef {Record<string, {choices: string[], default?: string}>} Options of a profile, by their names */

/**
 * The chosen devices, for this conversation and the next.
 * @typedef {{microphone: string, speaker: string, camera: string}} Chosen by id; empty for the browser's default
 */

/** Shows the settings in place of the conversation. */
export class Settings {
  #agent;
  #session;
  #words;
  #chosen;
  #options = make('div', 'options');
  #devices = make('div', 'devices');

  /**
   * @param {import('./element.js').LiveAgent} agent
   * @param {import('../live/session.js').LiveSession} session
   * @param {Words} words
   * @param {Chosen} chosen changed as the person chooses
   */
  constructor(agent, session, words, chosen) {
    this.#agent = agent;
    this.#session = session;
    this.#words = words;
    this.#chosen = chosen;
  }

  /**
   * @param {import('./panel.js').Panel} panel
   * @param {(action: () => Promise<void>) => void} attempt reports a device that cannot be opened
   * @param {() => Promise<void>} showCamera switches to the chosen camera, if one is shown
   * @throws {import('../live/errors.js').LiveError} `page-incomplete`
   */
  async open(panel, attempt, showCamera) {
    this.#words = await rareWords(this.#words);
    const back = make('button', 'back', { type: 'button' });
    const title = make('h3', '', { id: 'over-title', tabindex: '-1' });
    const volume = make('div', '');
    const language = make('div', '');
    const box = make('section', 'over', { 'aria-labelledby': 'over-title' }, title, language, this.#options, this.#devices, volume, back);
    const closed = new AbortController();
    const list = () => this.#listDevices((kind) => attempt(() => (kind === 'camera' ? showCamera() : this.#use(kind))));
    const write = () => {
      title.textContent = this.#words.text('settings');
      back.textContent = this.#words.text('back');
      language.replaceChildren(...this.#languages(() => {
        write();
        language.querySelector('select')?.focus();
      }));
      this.#listOptions();
      if (this.#agent.input === 'text') return; // there is no sound
      volume.replaceChildren(this.#volume());
      list();
    };
    if (this.#agent.input !== 'text') this.#session.addEventListener('devices', list, { signal: closed.signal });
    write();
    addStyles(panel.element);
    await over(panel, box, (settle) => {
      back.onclick = () => settle(null);
    });
    closed.abort();
  }

  /** @param {() => void} translated called once the words are in the chosen language @returns {HTMLElement[]} none without a choice */
  #languages(translated) {
    const tags = this.#agent.languages.split(/[\s,|]+/).filter(known);
    if (new Set(tags.map(nearest)).size < 2) return [];
    const now = nearest(this.#words.locale);
    if (!tags.some((tag) => nearest(tag) === now)) tags.unshift(now);
    const choices = tags.map((tag) => /** @type {[string, string]} */ ([tag, ownName(tag)]));
    const chosen = tags.find((tag) => tag === this.#words.locale) ?? tags.find((tag) => nearest(tag) === now) ?? now;
    const menu = select(this.#words.text('language'), choices, chosen, async (tag) => {
      this.#agent.lang = tag;
      this.#words = await rareWords(await Words.load(tag, this.#agent.strings));
      translated();
    });
    for (const option of menu.querySelectorAll('option')) option.lang = option.value;
    return [menu];
  }

  async #listOptions() {
    const options = Object.entries(await this.#offered()).filter(([, { choices }]) => choices.length > 1);
    const rows = options.map(([name, { choices, default: usual }]) => {
      const label = this.#words.has(`option.${name}`) ? this.#words.text(`option.${name}`) : sentenceCase(name);
      const chosen = this.#agent.options[name] ?? usual ?? choices[0];
      return select(label, choices.map((choice) => [choice, choice]), chosen, (choice) => {
        this.#agent.options = { ...this.#agent.options, [name]: choice };
      });
    });
    const late = rows.length > 0 && !['idle', 'closed'].includes(this.#session.state);
    this.#options.replaceChildren(...rows, ...(late ? [make('p', 'hint', {}, this.#words.text('option.later'))] : []));
  }

  /** @returns {Promise<Options>} empty on failure: starting will report why */
  async #offered() {
    try {
      const credential = await this.#agent.getCredential?.({ refused: false });
      const headers = credential ? { Authorization: `Bearer ${credential}` } : undefined;
      const answer = await fetch(new URL('profiles', this.#agent.service), { headers, cache: 'no-store' });
      const { profiles } = await answer.json();
      return profiles.find((/** @type {{name: string}} */ { name }) => name === this.#agent.profile).options;
    } catch {
      return {};
    }
  }

  /** @param {(kind: keyof Chosen) => void} change */
  async #listDevices(change) {
    const { microphones, speakers, cameras } = await this.#session.devices();
    const words = this.#words;
    /** @type {[keyof Chosen, string, {id: string, label: string}[]][]} */
    const kinds = [['microphone', words.text('microphone'), microphones], ['speaker', words.text('speaker'), speakers], ['camera', words.text('camera.device'), cameras]];
    const rows = kinds.filter(([, , devices]) => devices.length > 0).map(([kind, label, devices]) => {
      const choices = devices.map(({ id, label: name }, index) => /** @type {[string, string]} */ ([id, name || `${label} ${index + 1}`]));
      return select(label, [['', words.text('device.default')], ...choices], this.#chosen[kind], (id) => {
        this.#chosen[kind] = id;
        change(kind);
      });
    });
    this.#devices.replaceChildren(...(rows.length > 0 ? rows : [make('p', 'hint', {}, words.text('devices.later'))]));
  }

  /** @param {'microphone' | 'speaker'} kind of device to switch to, if there is a conversation */
  async #use(kind) {
    if (this.#session.state !== 'live' && this.#session.state !== 'resuming') return;
    if (kind === 'speaker') await this.#session.useSpeaker(this.#chosen.speaker);
    if (kind === 'microphone' && this.#session.voiced) await this.#session.useMicrophone(this.#chosen.microphone || {});
  }

  #volume() {
    const range = make('input', 'volume', { type: 'range', min: '0', max: '1', step: '0.05' });
    range.valueAsNumber = this.#session.volume;
    range.addEventListener('input', () => {
      this.#session.volume = range.valueAsNumber;
    });
    return make('label', 'row', {}, this.#words.text('volume'), range);
  }
}

/**
 * @param {string} label
 * @param {[value: string, name: string][]} choices
 * @param {string} chosen
 * @param {(choice: string) => void} change
 */
function select(label, choices, chosen, change) {
  const element = make('select', 'choice', {}, ...choices.map(([value, name]) => new Option(name, value, false, value === chosen)));
  element.addEventListener('change', () => change(element.value));
  return make('label', 'row', {}, label, element);
}

/** @param {string} tag @returns {boolean} whether the widget has that language */
function known(tag) {
  try {
    return new Intl.Locale(tag).language === nearest(tag);
  } catch {
    return false; // not a language tag
  }
}

/** @param {string} name such as `voice` or `reply_language` */
function sentenceCase(name) {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
