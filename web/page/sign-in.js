/** The first view: sign in, or continue as a guest if a profile allows guests. */

import { block, button, element } from './elements.js';

/** Shown until somebody has signed in, or continues as a guest. */
export class SignIn {
  #account;
  #words;
  #enter;
  #view = block('sign-in');
  #username = element('username', HTMLInputElement);
  #password = element('password', HTMLInputElement);
  #error = block('sign-in-error');
  /** @type {import('./account.js').Profile[]} */
  #guestProfiles = [];

  /**
   * @param {import('./account.js').Account} account
   * @param {import('./words.js').Words} words
   * @param {(profiles: import('./account.js').Profile[]) => void} enter called with the profiles that this person may use
   */
  constructor(account, words, enter) {
    this.#account = account;
    this.#words = words;
    this.#enter = enter;
    element('credentials', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    button('guest').addEventListener('click', () => this.#leave(this.#guestProfiles));
  }

  /** Skips the view if an earlier login is still valid. */
  async arrive() {
    try {
      if (await this.#account.arrive()) this.#leave(await this.#account.profiles());
      else this.show();
    } catch (error) {
      this.#account.forget();
      this.show();
      this.#words.showError(this.#error, error);
    }
  }

  /** @param {string} [error] the key of why the person has to sign in again */
  async show(error = '') {
    this.showError(error);
    this.#view.hidden = false;
    this.#username.focus();
    try {
      this.#guestProfiles = await this.#account.profiles();
    } catch (cause) {
      // 401 means that there are no guests here.
      this.#guestProfiles = [];
      const { status } = /** @type {import('../live/errors.js').LiveError} */ (cause);
      if (status !== 401 && this.#error.hidden) this.#words.showError(this.#error, cause);
    }
    block('guest-way').hidden = this.#guestProfiles.length === 0;
  }

  /** @param {string} key */
  showError(key) {
    this.#words.show(this.#error, key);
  }

  async #submit() {
    const submit = button('submit');
    submit.disabled = true;
    this.showError('');
    try {
      await this.#account.signIn(this.#username.value, this.#password.value);
      this.#leave(await this.#account.profiles());
    } catch (error) {
      this.#account.forget();
      this.#words.showError(this.#error, error);
      this.#password.select();
    } finally {
      submit.disabled = false;
    }
  }

  /** @param {import('./account.js').Profile[]} profiles */
  #leave(profiles) {
    if (profiles.length === 0) {
      this.#account.forget();
      this.show('error.no-profiles');
      return;
    }
    this.#password.value = '';
    this.#view.hidden = true;
    this.#enter(profiles);
  }
}
