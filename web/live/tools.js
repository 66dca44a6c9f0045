/** Runs the page's handlers for the tools that a token declares, and answers the model's calls. */

/** @typedef {import('./connection/protocol.js').FunctionCall} FunctionCall */
/** @typedef {import('./connection/protocol.js').FunctionResponse} FunctionResponse */
/** @typedef {import('./connection/protocol.js').Scheduling} Scheduling */
/** @typedef {import('./connection/token-source.js').Schema} Schema */
/** @typedef {import('./connection/token-source.js').Declaration} Declaration */
/** @typedef {import('./connection/token-source.js').DeclaredTool} DeclaredTool */

/**
 * @callback Tool
 * @param {any} args from the model; checked against the declaration if that is known
 * @param {ToolCall} call
 * @returns {unknown} a JSON value, or a promise of one; the message of an error is sent to the model
 *
 * @typedef {object} ToolCall
 * @property {string} id
 * @property {AbortSignal} signal aborts when the result is no longer wanted
 * @property {(when: Scheduling) => void} schedule when the model uses the result, if it does not wait for it
 *
 * @typedef {object} ToolOptions
 * @property {number} [seconds] time limit; 30 by default
 */

/**
 * @typedef {object} ToolProgress
 * @property {string} id
 * @property {string} name
 * @property {'running' | 'answered' | 'failed' | 'cancelled'} status
 */

const TIME_LIMIT_S = 30;

/**
 * Answers each call once: a repeated id is ignored, and a cancelled call gets no answer. A call outlives its connection,
 * because the session that is resumed still waits for it.
 */
export class Tools {
  /** @type {Map<string, {tool: Tool, seconds: number}>} */
  #tools = new Map();
  /** @type {Map<string, Declaration>} */
  #declared = new Map();
  /** The declared arguments of each tool, where known. @type {Map<string, Schema>} */
  #schemas = new Map();
  /** @type {Map<string, AbortController>} */
  #running = new Map();
  /** @type {Set<string>} */
  #seen = new Set();
  /** Replaced when the model no longer knows the calls that it made. */
  #session = {};
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

  /** Whether a call is running. */
  get busy() {
    return this.#running.size > 0;
  }

  /** @param {string} name @param {Tool} tool @param {ToolOptions} [options] */
  handle(name, tool, { seconds = TIME_LIMIT_S } = {}) {
    this.#tools.set(name, { tool, seconds });
  }

  /**
   * Starts a conversation: compares the page's handlers with what the token declares.
   * @param {Declaration[]} declarations
   * @param {DeclaredTool[]} [locked]
   * @returns {{missing: string[], surplus: string[]}} declared but not handled; handled but not declared
   */
  expect(declarations, locked = []) {
    this.cancelAll();
    this.#seen.clear();
    this.#declared = new Map(declarations.map((declaration) => [declaration.name, declaration]));
    this.#schemas.clear();
    for (const { name, parameters, parametersJsonSchema } of locked.flatMap((tool) => tool.functionDeclarations ?? [])) {
      const schema = parameters ?? parametersJsonSchema;
      if (schema) this.#schemas.set(name, schema);
    }
    return {
      missing: [...this.#declared.keys()].filter((name) => !this.#tools.has(name)),
      surplus: [...this.#tools.keys()].filter((name) => !this.#declared.has(name)),
    };
  }

  /**
   * Runs calls. Those that the model waits for are answered together; each of the others when it is ready.
   * @param {FunctionCall[]} calls
   */
  call(calls) {
    const fresh = calls.filter(({ id }) => !this.#seen.has(id));
    for (const { id } of fresh) this.#seen.add(id);
    const session = this.#session;
    const groups = [fresh.filter((call) => this.#waits(call)), ...fresh.filter((call) => !this.#waits(call)).map((call) => [call])];
    for (const group of groups) {
      Promise.all(group.map((call) => this.#run(call))).then((responses) => {
        const answers = responses.filter((response) => response !== null);
        if (answers.length > 0 && session === this.#session) this.#answer(answers);
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

  /** Lets the running calls finish, and sends none of their answers: the model no longer knows that it made them. */
  disown() {
    this.#session = {};
  }

  /** @param {FunctionCall} call whether the model waits for its answer */
  #waits({ name }) {
    return this.#declared.get(name)?.behavior !== 'NON_BLOCKING';
  }

  /** @param {FunctionCall} call @returns {Promise<FunctionResponse | null>} null when cancelled; never rejects */
  async #run(call) {
    const { id, name } = call;
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(id, controller);
    this.#progress({ id, name, status: 'running' });
    /** @type {Scheduling | undefined} */
    let scheduling;
    const schedule = (/** @type {Scheduling} */ when) => (scheduling = when);
    const limit = overdue(controller, this.#tools.get(name)?.seconds ?? TIME_LIMIT_S);
    const response = await Promise.race([this.#respond(call, { id, signal, schedule }), limit.passed, aborted(signal)]);
    limit.lift();
    this.#running.delete(id);
    if (response === null) {
      this.#progress({ id, name, status: 'cancelled' });
      return null;
    }
    this.#progress({ id, name, status: 'error' in response ? 'failed' : 'answered' });
    return { id, name, response, ...(scheduling && !this.#waits(call) && { scheduling }) };
  }

  /**
   * @param {FunctionCall} call
   * @param {ToolCall} circumstances
   * @returns {Promise<FunctionResponse['response']>}
   */
  async #respond({ name, args }, circumstances) {
    const known = this.#tools.get(name);
    if (!known) return { error: `This page has no tool named ${name}.` };
    try {
      const schema = this.#schemas.get(name);
      if (schema) (await import('./schema.js')).check(args, schema);
      const output = (await known.tool(args, circumstances)) ?? null;
      // Fails here, where it can be answered, if JSON cannot hold it.
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

/**
 * @param {AbortController} controller aborted after `passed` has settled, so that the reason is known
 * @param {number} seconds
 */
function overdue(controller, seconds) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<{error: string}>} */
  const passed = new Promise((resolve) => {
    timer = setTimeout(() => {
      resolve({ error: `There was no answer within ${seconds} s.` });
      controller.abort();
    }, seconds * 1000);
  });
  return { passed, lift: () => clearTimeout(timer) };
}
