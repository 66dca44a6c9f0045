/** Keeps the page's handlers of tools, and loads what runs them only where there is something to run. */

import { importOrFail } from './errors.js';

/** @typedef {import('./tools.js').Tools} Tools */
/** @typedef {import('./connection/protocol.js').FunctionCall} FunctionCall */

/** @template Item @param {Item[] | null | undefined} value @returns {Item[]} none if it is not a list */
export const listed = (value) => (Array.isArray(value) ? value : []);

/** @template {{name: string}} Item @param {Item[] | null | undefined} value @returns {Item[]} those that have a name */
export const named = (value) => listed(value).filter((item) => typeof item?.name === 'string');

/** Has the methods of `Tools`, whether that is loaded or not. */
export class Toolbox {
  #listeners;
  /** @type {Map<string, Parameters<Tools['handle']>>} */
  #handlers = new Map();
  /** @type {Tools | null} */
  #tools = null;
  /** @type {Promise<Tools> | undefined} */
  #loading;
  /** What this conversation's token declares. @type {Parameters<Tools['expect']>} */
  #expected = [];
  /** @type {Tools['farewell']} */
  #farewell = null;
  /** @type {Tools['hold']} */
  #hold = null;
  /** Those that arrived before anything could run them. @type {FunctionCall[]} */
  #early = [];

  /** @param {ConstructorParameters<typeof import('./tools.js').Tools>} listeners */
  constructor(...listeners) {
    this.#listeners = listeners;
  }

  /** Whether a call is running. */
  get busy() {
    return this.#early.length > 0 || this.#tools?.busy === true;
  }

  /**
   * @param {Parameters<Tools['handle']>} handler
   * @returns {() => void} removes it, unless another has replaced it
   */
  handle(...handler) {
    const [name] = handler;
    this.#handlers.set(name, handler);
    this.#tools?.handle(...handler);
    // Where this fails, a conversation tries again and reports it.
    this.#load().catch(() => {});
    return () => {
      if (this.#handlers.get(name) !== handler) return;
      this.#handlers.delete(name);
      this.#tools?.forget(name);
    };
  }

  /** Whether a handler holds back what it does. */
  get holds() {
    return [...this.#handlers.values()].some(([, , options]) => options?.hold);
  }

  /** @param {Tools['hold']} hold */
  set hold(hold) {
    this.#hold = hold;
    if (this.#tools) this.#tools.hold = hold;
  }

  /** @param {Tools['farewell']} farewell */
  set farewell(farewell) {
    this.#farewell = farewell;
    if (this.#tools) this.#tools.farewell = farewell;
  }

  /**
   * Loads what a conversation needs.
   * @throws {import('./errors.js').LiveError} `page-incomplete`
   */
  async prepare() {
    if (this.#handlers.size > 0) await this.#load();
  }

  /** @type {Tools['expect']} */
  expect(...expected) {
    this.#expected = expected;
    const missing = () => named(expected[0]).flatMap(({ name, ends, runs }) => (ends || runs ? [] : name));
    return this.#tools?.expect(...expected) ?? { missing: missing(), surplus: [] };
  }

  /** @param {FunctionCall[]} calls */
  call(calls) {
    if (this.#tools) {
      this.#tools.call(calls);
      return;
    }
    this.#early.push(...calls);
    this.#load().then(
      (tools) => tools.call(this.#early.splice(0)),
      () => this.#refuse(this.#early.splice(0)),
    );
  }

  /** @param {string[]} ids */
  cancel(ids) {
    this.#early = this.#early.filter(({ id }) => !ids.includes(id));
    this.#tools?.cancel(ids);
  }

  cancelAll() {
    this.#early = [];
    this.#tools?.cancelAll();
  }

  settle() {
    this.#tools?.settle();
  }

  asked() {
    this.#tools?.asked();
  }

  /** @type {Tools['rebuild']} */
  rebuild() {
    this.#early = [];
    return this.#tools?.rebuild() ?? '';
  }

  disown() {
    this.#early = [];
    this.#tools?.disown();
  }

  #load() {
    this.#loading ??= importOrFail(import('./tools.js')).then(
      ({ Tools }) => {
        const tools = new Tools(...this.#listeners);
        for (const handler of this.#handlers.values()) tools.handle(...handler);
        tools.expect(...this.#expected);
        tools.farewell = this.#farewell;
        tools.hold = this.#hold;
        this.#tools = tools;
        return tools;
      },
      (error) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  /** @param {FunctionCall[]} calls that nothing can run */
  #refuse(calls) {
    const response = { error: 'The page could not load its tools.' };
    if (calls.length > 0) this.#listeners[0](calls.map(({ id, name }) => ({ ...(id && { id }), name, response })));
  }
}
