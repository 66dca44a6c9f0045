/** The form for the widget: its attributes, its title and its color. */

import { LiveAgent } from '../widget/element.js';
import languages from '../widget/locales/index.js';

/**
 * An attribute and its kind: `choice` from a list, `several` from a list, `flag` (present or not), `text`, `lines` (joined
 * by “|”), `words`: a flag with an optional text, or `color`: a flag with a color.
 * @typedef {object} Attribute
 * @property {string} name
 * @property {string} label
 * @property {'choice' | 'several' | 'flag' | 'text' | 'lines' | 'words' | 'color'} kind
 * @property {string} hint
 * @property {string} [written] what the site writes for it instead of an attribute
 * @property {string} [usual] its default
 * @property {Record<string, string>} [choices] the label of each
 *
 * What was chosen: the attributes that differ from their defaults, of which a flag is `true`, and the rest.
 * @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control
 * @typedef {{attributes: Record<string, string | true>, title: string | null, accent: string | null}} Design
 */

const NAMES = new Intl.DisplayNames('en', { type: 'language' });
const LANGUAGES = Object.fromEntries(Object.keys(languages).map((tag) => [tag, NAMES.of(tag) ?? tag]));

/** @type {Attribute[]} */
export const ATTRIBUTES = [
  {
    name: 'profile',
    label: 'Profile',
    kind: 'text',
    usual: 'default',
    hint: 'The profile of the next conversation. The list has those that are open to guests.',
  },
  {
    name: 'mode',
    label: 'Mode',
    kind: 'choice',
    usual: 'floating',
    choices: { floating: 'Floating in a corner', inline: 'Inline, within the page', headless: 'Headless: your page draws the interface' },
    hint: 'Where the widget is shown.',
  },
  {
    name: 'corner',
    label: 'Corner',
    kind: 'choice',
    usual: 'bottom-end',
    choices: {
      'bottom-end': 'Bottom right',
      'bottom-start': 'Bottom left',
      'top-end': 'Top right',
      'top-start': 'Top left',
    },
    hint: 'Where the widget floats. Left and right are swapped in right-to-left languages.',
  },
  {
    name: 'input',
    label: 'Input',
    kind: 'choice',
    usual: 'both',
    choices: { both: 'Voice and text', voice: 'Voice only', text: 'Text only' },
    hint: 'What visitors can use.',
  },
  {
    name: 'lang',
    label: 'Language',
    kind: 'choice',
    usual: '',
    choices: { '': 'Same as the page', ...LANGUAGES },
    hint: 'Language of the widget’s own text.',
  },
  {
    name: 'languages',
    label: 'Language menu',
    kind: 'several',
    choices: LANGUAGES,
    hint: 'With two or more of these, visitors can choose the language in the settings.',
  },
  { name: 'title', label: 'Title', kind: 'text', written: 'slot="title"', hint: 'Shown at the top of the panel.' },
  {
    name: 'accent',
    label: 'Accent color',
    kind: 'color',
    usual: '#1c6b58',
    written: '--live-agent-accent',
    hint: 'The color of buttons and of the voice. Black or white, whichever is easier to read, is written on it.',
  },
  { name: 'greeting', label: 'Greeting', kind: 'text', hint: 'Shown before the start.' },
  { name: 'suggestions', label: 'Suggestions', kind: 'lines', hint: 'One a line: buttons before the start, each of which begins a conversation with it.' },
  {
    name: 'theme',
    label: 'Theme',
    kind: 'choice',
    usual: 'auto',
    choices: { auto: 'As the page’s color-scheme', light: 'Light', dark: 'Dark' },
    hint: 'Light or dark.',
  },
  { name: 'push-to-talk', label: 'Push to talk', kind: 'flag', hint: 'The microphone is on only while the button or the space bar is held.' },
  { name: 'open', label: 'Open', kind: 'flag', hint: 'Opens the panel with the page, which loads everything at once.' },
  { name: 'consent', label: 'Consent', kind: 'words', hint: 'Asks for consent before the first conversation, with your text or the built-in one.' },
  { name: 'consent-days', label: 'Days of consent', kind: 'text', hint: 'For how many days the browser remembers the consent.' },
  {
    name: 'keep',
    label: 'Keep',
    kind: 'choice',
    usual: '',
    choices: { '': 'End with the page', session: 'Continue on the next page of the site' },
    hint: 'Whether a conversation continues when the visitor follows a link. Any script of your site can then read its lease.',
  },
  { name: 'rating', label: 'Rating', kind: 'flag', hint: 'Asks for a rating at the end, which your page receives as an event.' },
];

/** @param {Attribute} attribute @returns {boolean} whether this release of the widget has it */
function known({ name, written }) {
  return written !== undefined || name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()) in LiveAgent.prototype;
}

/** Calls back with the design on each change. */
export class Attributes {
  /** @type {Map<string, () => string | true | null>} reads each value; null for the default */
  #readings = new Map();
  #profiles = document.createElement('datalist');

  /**
   * @param {HTMLElement} form
   * @param {(design: Design) => void} changed called at once and on each change
   */
  constructor(form, changed) {
    this.#profiles.id = 'profiles';
    form.append(this.#profiles, ...ATTRIBUTES.filter(known).map((attribute) => this.#field(attribute)));
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('input', () => changed(this.design));
    changed(this.design);
  }

  /** @param {{name: string, description?: string}[]} profiles */
  offer(profiles) {
    this.#profiles.replaceChildren(...profiles.map(({ name, description }) => new Option(description, name)));
  }

  /** @returns {Design} */
  get design() {
    /** @type {Record<string, any>} */
    const chosen = {};
    for (const [name, read] of this.#readings) chosen[name] = read() ?? undefined;
    const { title = null, accent = null, ...all } = chosen;
    const attributes = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return { attributes, title, accent };
  }

  /** @param {Attribute} attribute */
  #field(attribute) {
    const { name, hint } = attribute;
    const field = document.createElement('div');
    field.className = 'field';
    const described = document.createElement('p');
    described.id = `${name}-hint`;
    described.className = 'hint';
    described.textContent = hint;
    const [controls, read] = this.#controls(attribute);
    this.#readings.set(name, read);
    const labels = controls.map((control) => labelled(control, attribute));
    const group = attribute.kind === 'several' ? grouped(labels, attribute) : null;
    (group ?? controls[0]).setAttribute('aria-describedby', described.id);
    field.append(...(group ? [group] : labels), described);
    return field;
  }

  /** @param {Attribute} attribute @returns {[Control[], () => string | true | null]} */
  #controls({ name, label, kind, usual = '', choices = {} }) {
    if (kind === 'choice') {
      const select = document.createElement('select');
      select.name = name;
      select.append(...Object.entries(choices).map(([value, text]) => new Option(text, value, false, value === usual)));
      return [[select], () => (select.value === usual ? null : select.value)];
    }
    if (kind === 'several') {
      const boxes = Object.keys(choices).map((value) => Object.assign(input('checkbox', name), { value }));
      return [boxes, () => boxes.filter(({ checked }) => checked).map(({ value }) => value).join(' ') || null];
    }
    if (kind === 'lines') {
      const area = document.createElement('textarea');
      area.name = name;
      return [[area], () => area.value.split('\n').map((line) => line.trim()).filter(Boolean).join('|') || null];
    }
    const text = input(kind === 'color' ? 'color' : 'text', name);
    text.value = usual;
    if (name === 'profile') text.setAttribute('list', this.#profiles.id);
    if (kind === 'text') return [[text], () => (['', usual].includes(text.value.trim()) ? null : text.value.trim())];
    const flag = input('checkbox', name);
    if (kind === 'flag') return [[flag], () => flag.checked || null];
    text.name = `${name}-text`;
    text.ariaLabel = kind === 'color' ? `${label}: your color` : `${label}: your text`;
    text.placeholder = 'built-in text';
    return [[flag, text], () => (flag.checked ? text.value.trim() : null)];
  }
}

/** @param {'text' | 'checkbox' | 'color'} type @param {string} name */
function input(type, name) {
  const element = document.createElement('input');
  Object.assign(element, { type, name, autocomplete: 'off', spellcheck: false });
  return element;
}

/** @param {Control} control @param {Attribute} attribute */
function labelled(control, { label, name, kind, choices = {}, written = name }) {
  if (control.ariaLabel) return control;
  const row = document.createElement('label');
  row.className = control.type === 'checkbox' ? 'flag' : '';
  if (kind === 'several') row.append(choices[control.value], control);
  else row.append(`${label} `, code(written), control);
  return row;
}

/** @param {Element[]} labels @param {Attribute} attribute */
function grouped(labels, { label, name }) {
  const group = document.createElement('fieldset');
  const legend = document.createElement('legend');
  legend.append(`${label} `, code(name));
  group.append(legend, ...labels);
  return group;
}

/** @param {string} text */
function code(text) {
  const element = document.createElement('code');
  element.textContent = text;
  return element;
}
