/** The first view: sign in, or continue as a guest if a profile allows guests. */

import { block, button, element, setText } from './elements.js';

/** Shown until somebody has signed in, or continues as a guest. */
export class SignIn {
  #account;
  #view = block('sign-in');
  #form = element('credentials', HTMLFormElement);
  #username = element('username', HTMLInputElement);
  #password = element('password', HTMLInputElement);
  #error = block('sign-in-error');
  #enter;
  /** @type {import('./account.js').Profile[]} */
  #guestProfiles = [];

  /**
   * @param {import('./account.js').Account} account
   * @param {(profiles: import('./account.js').Profile[]) => void} enter called with the profiles that this person may use
   */
  constructor(account, enter) {
    this.#account = account;
    this.#enter = enter;
    this.#form.addEventListener('submit', (event) => {
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
      this.show(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} sentence */
  showError(sentence) {
    setText(this.#error, sentence);
  }

  /** @param {string} [sentence] why the person has to sign in again */
  async show(sentence = '') {
    this.showError(sentence);
    this.#view.hidden = false;
    this.#username.focus();
    try {
      this.#guestProfiles = await this.#account.profiles();
    } catch (error) {
      // 401 means that there are no guests here.
      this.#guestProfiles = [];
      const { status, message } = /** @type {import('../live/errors.js').LiveError} */ (error);
      if (status !== 401 && !sentence) setText(this.#error, message);
    }
    block('guest-way').hidden = this.#guestProfiles.length === 0;
  }

  async #submit() {
    const submit = /** @type {HTMLButtonElement} */ (this.#form.querySelector('button'));
    submit.disabled = true;
    setText(this.#error, '');
    try {
      await this.#account.signIn(this.#username.value, this.#password.value);
      this.#leave(await this.#account.profiles());
    } catch (error) {
      this.#account.forget();
      setText(this.#error, /** @type {Error} */ (error).message);
      this.#password.select();
    } finally {
      submit.disabled = false;
    }
  }

  /** @param {import('./account.js').Profile[]} profiles */
  #leave(profiles) {
    if (profiles.length === 0) {
      this.#account.forget();
      this.show('You are signed in, but you have no access to any conversation. Please contact the site owner.');
      return;
    }
    this.#password.value = '';
    this.#view.hidden = true;
    this.#enter(profiles);
  }
}
