/** Selects for the profile and its options, if there is something to choose. */

/** @typedef {import('./account.js').Profile} Profile */

/** Renders the selects, and reads them. */
export class Choices {
  #place;
  /** @type {Profile[]} */
  #profiles = [];
  #chosen = '';
  /** @type {Record<string, string>} */
  #options = {};

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
  }

  /** @param {Profile[]} profiles at least one */
  offer(profiles) {
    this.#profiles = profiles;
    this.#choose((profiles.find(({ name }) => name === 'default') ?? profiles[0]).name);
  }

  /** Options for `LiveSession.start`. */
  get chosen() {
    return { profile: this.#chosen, options: this.#options };
  }

  /** @param {boolean} enabled */
  enable(enabled) {
    this.#place.hidden = !enabled;
  }

  /** @param {string} name */
  #choose(name) {
    const profile = /** @type {Profile} */ (this.#profiles.find((candidate) => candidate.name === name));
    this.#chosen = name;
    this.#options = {};
    const rows = Object.entries(profile.options ?? {}).filter(([, { choices }]) => choices.length > 1);
    /** @type {HTMLElement[]} */
    const selects = rows.map(([option, { choices, default: usual }]) =>
      select(sentenceCase(option), choices, usual ?? choices[0], (choice) => {
        this.#options[option] = choice;
      }),
    );
    if (this.#profiles.length > 1) selects.unshift(this.#profileRow(profile));
    const hint = document.createElement('p');
    hint.className = 'hint';
    hint.textContent = profile.description ?? '';
    this.#place.replaceChildren(hint, ...selects);
  }

  /** @param {Profile} profile */
  #profileRow(profile) {
    const names = this.#profiles.map(({ name }) => name);
    return select('Conversation', names, profile.name, (name) => {
      this.#choose(name);
      this.#place.querySelector('select')?.focus();
    });
  }
}

/**
 * @param {string} label
 * @param {string[]} choices
 * @param {string} chosen
 * @param {(choice: string) => void} change
 */
function select(label, choices, chosen, change) {
  const element = document.createElement('select');
  element.append(...choices.map((choice) => new Option(choice, choice, false, choice === chosen)));
  element.addEventListener('change', () => change(element.value));
  const row = document.createElement('label');
  row.append(label, element);
  return row;
}

/** @param {string} name such as `voice` or `reply_language` */
function sentenceCase(name) {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
