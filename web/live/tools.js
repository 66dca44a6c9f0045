/** The page's side of the tools that a token declares: who answers which call, and what is answered. */

/** @typedef {import('./protocol.js').FunctionCall} FunctionCall */
/** @typedef {import('./protocol.js').FunctionResponse} FunctionResponse */
/** @typedef {{name: string, behavior?: string}} Declaration as `features.tools` of the token's answer */

/**
 * @callback Tool
 * @param {any} args as the model gave them, unchecked
 * @param {{id: string, signal: AbortSignal}} call `signal` fires when nobody waits for the result any more
 * @returns {unknown} anything JSON can hold, or a promise of it; an error's message is told to the model
 */

/**
 * @typedef {object} ToolProgress
 * @property {string} id
 * @property {string} name
 * @property {'running' | 'answered' | 'failed' | 'cancelled'} status
 */

/** Answers each call once: duplicates are known by their id, and the cancelled stay unanswered. */
export class Tools {
  /** @type {Map<string, Tool>} */
  #tools = new Map();
  /** @type {Map<string, Declaration>} */
  #declared = new Map();
  /** @type {Map<string, AbortController>} */
  #running = new Map();
  /** @type {Set<string>} */
  #seen = new Set();
  #answer;
  #progress;

  /**
   * @param {(responses: FunctionResponse[]) => void} answer
   * @param {(progress: ToolProgress) => void} progress
   */
  constructor(answer, progress) {
    this.#answer = answer;
    this.#progress = progress;
  }

  /** @param {string} name @param {Tool} tool */
  handle(name, tool) {
    this.#tools.set(name, tool);
  }

  /**
   * Starts afresh, and holds what the page handles against what the token declares.
   * @param {Declaration[]} declarations
   * @returns {{missing: string[], surplus: string[]}} declared and not handled; handled and not declared
   */
  expect(declarations) {
    this.cancelAll();
    this.#seen.clear();
    this.#declared = new Map(declarations.map((declaration) => [declaration.name, declaration]));
    return {
      missing: [...this.#declared.keys()].filter((name) => !this.#tools.has(name)),
      surplus: [...this.#tools.keys()].filter((name) => !this.#declared.has(name)),
    };
  }

  /**
   * Calls that the model waits for are answered together, as it asked for them; the others each when they are ready.
   * @param {FunctionCall[]} calls
   */
  call(calls) {
    const fresh = calls.filter(({ id }) => !this.#seen.has(id));
    for (const { id } of fresh) this.#seen.add(id);
    const waits = (/** @type {FunctionCall} */ { name }) => this.#declared.get(name)?.behavior !== 'NON_BLOCKING';
    const groups = [fresh.filter(waits), ...fresh.filter((call) => !waits(call)).map((call) => [call])];
    for (const group of groups) {
      Promise.all(group.map((call) => this.#run(call))).then((responses) => {
        const answers = responses.filter((response) => response !== null);
        if (answers.length > 0) this.#answer(answers);
      });
    }
  }

  /** @param {string[]} ids */
  cancel(ids) {
    for (const id of ids) this.#running.get(id)?.abort();
  }

  cancelAll() {
    this.cancel([...this.#running.keys()]);
  }

  /** @param {FunctionCall} call @returns {Promise<FunctionResponse | null>} null when cancelled; never rejects */
  async #run({ id, name, args }) {
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(id, controller);
    this.#progress({ id, name, status: 'running' });
    const response = await Promise.race([this.#respond(name, args, { id, signal }), aborted(signal)]);
    this.#running.delete(id);
    if (response === null) {
      this.#progress({ id, name, status: 'cancelled' });
      return null;
    }
    this.#progress({ id, name, status: 'error' in response ? 'failed' : 'answered' });
    return { id, name, response };
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} args
   * @param {{id: string, signal: AbortSignal}} call
   * @returns {Promise<FunctionResponse['response']>}
   */
  async #respond(name, args, call) {
    const tool = this.#tools.get(name);
    if (!tool) return { error: `This page has no tool named ${name}.` };
    try {
      const output = (await tool(args, call)) ?? null;
      // What JSON cannot hold must fail here, where it can be answered, not where the frame is built.
      JSON.stringify(output);
      return { output };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** @param {AbortSignal} signal @returns {Promise<null>} */
function aborted(signal) {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
}
