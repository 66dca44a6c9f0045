/** The page's side of the tools that a token declares: who answers which call, and what is answered. */

/** @typedef {import('./protocol.js').FunctionCall} FunctionCall */
/** @typedef {import('./protocol.js').FunctionResponse} FunctionResponse */
/** @typedef {import('./protocol.js').Scheduling} Scheduling */
/** @typedef {import('./schema.js').Schema} Schema */
/** @typedef {{name: string, behavior?: string}} Declaration as `features.tools` of the token's answer */
/**
 * As `locked.tools`, where the token's answer says what is locked.
 * @typedef {{functionDeclarations?: {name: string, parameters?: Schema, parametersJsonSchema?: Schema}[]}} DeclaredTool
 */

/**
 * @callback Tool
 * @param {any} args as the model gave them; held against the declaration where that is known
 * @param {ToolCall} call
 * @returns {unknown} anything JSON can hold, or a promise of it; an error's message is told to the model
 *
 * @typedef {object} ToolCall
 * @property {string} id
 * @property {AbortSignal} signal fires when nobody waits for the result any more
 * @property {(when: Scheduling) => void} schedule when the model takes up the answer, where it does not wait for it
 *
 * @typedef {object} ToolOptions
 * @property {number} [seconds] that an answer may take; 30 unless told
 */

/**
 * @typedef {object} ToolProgress
 * @property {string} id
 * @property {string} name
 * @property {'running' | 'answered' | 'failed' | 'cancelled'} status
 */

const TIME_LIMIT_S = 30;

/** Answers each call once: duplicates are known by their id, and the cancelled stay unanswered. */
export class Tools {
  /** @type {Map<string, {tool: Tool, seconds: number}>} */
  #tools = new Map();
  /** @type {Map<string, Declaration>} */
  #declared = new Map();
  /** What the arguments of each have to be, where that is known. @type {Map<string, Schema>} */
  #schemas = new Map();
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

  /** Whether a call is being answered. */
  get busy() {
    return this.#running.size > 0;
  }

  /** @param {string} name @param {Tool} tool @param {ToolOptions} [options] */
  handle(name, tool, { seconds = TIME_LIMIT_S } = {}) {
    this.#tools.set(name, { tool, seconds });
  }

  /**
   * Starts afresh, and holds what the page handles against what the token declares.
   * @param {Declaration[]} declarations
   * @param {DeclaredTool[]} [locked]
   * @returns {{missing: string[], surplus: string[]}} declared and not handled; handled and not declared
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
   * Calls that the model waits for are answered together, as it asked for them; the others each when they are ready.
   * @param {FunctionCall[]} calls
   */
  call(calls) {
    const fresh = calls.filter(({ id }) => !this.#seen.has(id));
    for (const { id } of fresh) this.#seen.add(id);
    const groups = [fresh.filter((call) => this.#waits(call)), ...fresh.filter((call) => !this.#waits(call)).map((call) => [call])];
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

  /** @param {FunctionCall} call whether the model says nothing until it is answered */
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

/**
 * @param {AbortController} controller told after `passed`, so that it is known why
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
