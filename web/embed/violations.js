/** What the page's own Content Security Policy has stopped, while somebody looks. */

/** Listens from when it is made until it is to forget. */
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
   * The directive that stopped something from *origin*. The event is a task of its own, and may come after the failure.
   * @param {string} origin
   * @returns {Promise<string | null>} such as `connect-src`
   */
  async against(origin) {
    await new Promise((resolve) => setTimeout(resolve));
    const found = this.#seen.find(({ blockedURI, disposition }) => disposition === 'enforce' && blockedURI.startsWith(origin));
    // A browser names the finer directive, which few policies have.
    return found?.effectiveDirective.replace('-elem', '') ?? null;
  }

  forget() {
    this.#listening.abort();
  }
}
