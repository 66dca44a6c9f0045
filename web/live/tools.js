/** Runs the page's handlers for the tools that a token declares, and answers the model's calls. */

import { steadyClock } from './clock.js';
import { Ledger } from './ledger.js';

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
 * because the session that is resumed still waits for it. If the session is lost, a call that the next one repeats is
 * answered with the result of the first.
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
  #ledger;
  #answer;
  #progress;
  #inform;

  /**
   * @param {(responses: FunctionResponse[]) => void} answer
   * @param {(progress: ToolProgress) => void} progress
   * @param {(results: string) => void} [inform] called with results that a rebuilt session was told to wait for
   * @param {import('./clock.js').Clock} [clock]
   */
  constructor(answer, progress, inform = () => {}, clock = steadyClock) {
    this.#answer = answer;
    this.#progress = progress;
    this.#inform = inform;
    this.#ledger = new Ledger(clock);
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
    this.#ledger.forget();
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
      const entries = group.map((call) => this.#ledger.find(call) ?? this.#ledger.add(call, this.#run(call)));
      Promise.all(entries.map(({ result }) => result)).then((responses) => {
        if (session !== this.#session) {
          const late = this.#ledger.late(entries);
          if (late) this.#inform(late);
          return;
        }
        for (const entry of entries) entry.known = true;
        const answers = responses.flatMap((response, i) => (response ? [{ ...response, id: group[i].id }] : []));
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

  /** A turn is complete. */
  settle() {
    this.#ledger.settle();
  }

  /** The person has said something. */
  asked() {
    this.#ledger.asked();
  }

  /**
   * Prepares for a fresh session. The running calls finish, and their answers are not sent: it does not know their ids.
   * @returns {string} what became of the calls, to tell it
   */
  rebuild() {
    this.#session = {};
    return this.#ledger.report();
  }

  /** The same, for a session that is told nothing. */
  disown() {
    this.#session = {};
    this.#ledger.forget();
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
