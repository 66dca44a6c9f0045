/** The form for the widget's attributes. */

import languages from '../widget/locales/index.js';

/**
 * An attribute and its kind: `choice` from a list, `flag` (present or not), `text`, or `words`: a flag with an optional text.
 * @typedef {object} Attribute
 * @property {string} name
 * @property {string} label
 * @property {'choice' | 'flag' | 'text' | 'words'} kind
 * @property {string} hint
 * @property {string} [usual] its default
 * @property {Record<string, string>} [choices] the label of each
 */

const NAMES = new Intl.DisplayNames('en', { type: 'language' });

/** @type {Attribute[]} */
export const ATTRIBUTES = [
  { name: 'profile', label: 'Profile', kind: 'text', usual: 'default', hint: 'The profile to use.' },
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
    choices: { '': 'Same as the page', ...Object.fromEntries(Object.keys(languages).map((tag) => [tag, NAMES.of(tag) ?? tag])) },
    hint: 'Language of the widget’s own text.',
  },
  { name: 'push-to-talk', label: 'Push to talk', kind: 'flag', hint: 'The microphone is on only while the button or the space bar is held.' },
  { name: 'open', label: 'Open', kind: 'flag', hint: 'Opens the panel with the page, which loads everything at once.' },
  { name: 'consent', label: 'Consent', kind: 'words', hint: 'Asks for consent before the first conversation, with your text or the built-in one.' },
  { name: 'rating', label: 'Rating', kind: 'flag', hint: 'Asks for a rating at the end, which your page receives as an event.' },
];

/** Calls back with the chosen attributes on each change. */
export class Attributes {
  /** @type {Map<string, () => string | null>} reads each value; null for the default */
  #readings = new Map();

  /**
   * @param {HTMLElement} form
   * @param {(chosen: Record<string, string>) => void} changed called at once and on each change
   */
  constructor(form, changed) {
    form.append(...ATTRIBUTES.map((attribute) => this.#field(attribute)));
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('change', () => changed(this.chosen));
    changed(this.chosen);
  }

  /** The attributes that differ from their defaults; a flag has an empty value. */
  get chosen() {
    /** @type {Record<string, string>} */
    const chosen = {};
    for (const [name, read] of this.#readings) {
      const value = read();
      if (value !== null) chosen[name] = value;
    }
    return chosen;
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
    controls[0].setAttribute('aria-describedby', described.id);
    this.#readings.set(name, read);
    field.append(...controls.map((control) => labelled(control, attribute)), described);
    return field;
  }

  /** @param {Attribute} attribute @returns {[(HTMLInputElement | HTMLSelectElement)[], () => string | null]} */
  #controls({ name, label, kind, usual = '', choices = {} }) {
    if (kind === 'choice') {
      const select = document.createElement('select');
      select.name = name;
      select.append(...Object.entries(choices).map(([value, text]) => new Option(text, value, false, value === usual)));
      return [[select], () => (select.value === usual ? null : select.value)];
    }
    const text = input('text', name);
    text.value = usual;
    if (kind === 'text') return [[text], () => (['', usual].includes(text.value.trim()) ? null : text.value.trim())];
    const flag = input('checkbox', name);
    if (kind === 'flag') return [[flag], () => (flag.checked ? '' : null)];
    text.name = `${name}-text`;
    text.ariaLabel = `${label}: your text`;
    text.placeholder = 'built-in text';
    return [[flag, text], () => (flag.checked ? text.value.trim() : null)];
  }
}

/** @param {'text' | 'checkbox'} type @param {string} name */
function input(type, name) {
  const element = document.createElement('input');
  Object.assign(element, { type, name, autocomplete: 'off', spellcheck: false });
  return element;
}

/** @param {HTMLInputElement | HTMLSelectElement} control @param {Attribute} attribute */
function labelled(control, { label, name }) {
  if (control.ariaLabel) return control;
  const row = document.createElement('label');
  row.className = control.type === 'checkbox' ? 'flag' : '';
  const code = document.createElement('code');
  code.textContent = name;
  row.append(`${label} `, code, control);
  return row;
}
