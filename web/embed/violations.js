/** Collects violations of the page's own Content Security Policy. */

/** Listens until `forget()`. */
export class Violations {
  /** @type {SecurityPolicyViolationEvent[]} */
  #seen = [];
  #listening = new AbortController();

  constructor() {
    document.addEventListener('securitypolicyviolation', (violation) => this.#seen.push(violation), {
      signal: this.#listening.signal,
    });
  }

  /**
   * Finds the directive that blocked something from *origin*. The event is a task of its own, and may come after the
   * failure.
   * @param {string} origin
   * @returns {Promise<string | null>} such as `connect-src`
   */
  async against(origin) {
    await new Promise((resolve) => setTimeout(resolve));
    const found = this.#seen.find(({ blockedURI, disposition }) => disposition === 'enforce' && blockedURI.startsWith(origin));
    // Browsers name the more specific directive, which few policies have.
    return found?.effectiveDirective.replace('-elem', '') ?? null;
  }

  forget() {
    this.#listening.abort();
  }
}
