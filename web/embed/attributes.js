/** The form in which the widget's attributes are tried. */

import languages from '../widget/locales/index.js';

/**
 * What can be set, and how: `choice` from a list, `flag` there or not, `text`, or `words`: a flag that may have a text.
 * @typedef {object} Attribute
 * @property {string} name
 * @property {string} label
 * @property {'choice' | 'flag' | 'text' | 'words'} kind
 * @property {string} hint
 * @property {string} [usual] what it is without the attribute
 * @property {Record<string, string>} [choices] the label of each
 */

const NAMES = new Intl.DisplayNames('en', { type: 'language' });

/** @type {Attribute[]} */
export const ATTRIBUTES = [
  { name: 'profile', label: 'Profile', kind: 'text', usual: 'default', hint: 'Which of the service’s profiles is talked to.' },
  {
    name: 'mode',
    label: 'Mode',
    kind: 'choice',
    usual: 'floating',
    choices: { floating: 'Floating in a corner', inline: 'Inline, in its place', headless: 'Headless: your page draws' },
    hint: 'Where it is shown.',
  },
  {
    name: 'corner',
    label: 'Corner',
    kind: 'choice',
    usual: 'bottom-end',
    choices: {
      'bottom-end': 'Bottom, where lines end',
      'bottom-start': 'Bottom, where lines start',
      'top-end': 'Top, where lines end',
      'top-start': 'Top, where lines start',
    },
    hint: 'Where it floats; right and left change places where writing runs from the right.',
  },
  {
    name: 'input',
    label: 'Input',
    kind: 'choice',
    usual: 'both',
    choices: { both: 'Voice and text', voice: 'Voice only', text: 'Text only' },
    hint: 'What a person may use.',
  },
  {
    name: 'lang',
    label: 'Language',
    kind: 'choice',
    usual: '',
    choices: { '': 'As the page', ...Object.fromEntries(Object.keys(languages).map((tag) => [tag, NAMES.of(tag) ?? tag])) },
    hint: 'Of the widget’s own words.',
  },
  { name: 'push-to-talk', label: 'Push to talk', kind: 'flag', hint: 'Heard only while the button or the space bar is held.' },
  { name: 'open', label: 'Open', kind: 'flag', hint: 'Open from the start, and loaded with the page.' },
  { name: 'consent', label: 'Consent', kind: 'words', hint: 'Asked for before the microphone; without a text of yours, in its own words.' },
  { name: 'rating', label: 'Rating', kind: 'flag', hint: 'Ask at the end how it was; the answer is an event for your page.' },
];

/** Tells what is set, each time that it changes. */
export class Attributes {
  /** @type {Map<string, () => string | null>} how each is read; null where it is as usual */
  #readings = new Map();

  /**
   * @param {HTMLElement} form
   * @param {(chosen: Record<string, string>) => void} changed called at once, and at each change
   */
  constructor(form, changed) {
    form.append(...ATTRIBUTES.map((attribute) => this.#field(attribute)));
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('change', () => changed(this.chosen));
    changed(this.chosen);
  }

  /** The attributes that are not as usual; an empty value is a flag. */
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
    text.ariaLabel = `${label}: a text of yours`;
    text.placeholder = 'its own words';
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
