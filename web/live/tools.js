/** Runs the page's handlers for the tools that a token declares, and answers the model's calls. */

import { Ledger, Repeats } from './ledger.js';
import { listed, named } from './toolbox.js';
import { steadyClock } from './waiting.js';

/** @typedef {import('./connection/protocol.js').FunctionCall} FunctionCall */
/** @typedef {import('./connection/protocol.js').FunctionResponse} FunctionResponse */
/** @typedef {import('./connection/protocol.js').Scheduling} Scheduling */
/** @typedef {import('./connection/token-source.js').Schema} Schema */
/** @typedef {import('./connection/token-source.js').Declaration} Declaration */
/** @typedef {import('./connection/token-source.js').DeclaredTool} DeclaredTool */

/**
 * @template [Args=any]
 * @callback Tool
 * @param {Args} args from the model; checked against the declaration if that is known
 * @param {ToolCall} call
 * @returns {unknown} a JSON value, or a promise of one; the message of an error is sent to the model
 */

/**
 * @typedef {object} ToolCall
 * @property {string} id empty if the model gave none
 * @property {AbortSignal} signal aborts when the result is no longer wanted
 * @property {(when: Scheduling) => void} schedule when the model uses the result, if it does not wait for it
 * @property {(output: unknown) => void} update tells the model what there is so far, if it does not wait for the result
 *
 * @typedef {object} ToolOptions
 * @property {number} [seconds] time limit; 30 by default
 * @property {Schema} [schema] the arguments are checked against it too, and typed by it
 * @property {number} [hold] seconds in which the person can still say stop, for a step that cannot be undone
 * @property {readonly string[]} [refusals] what stops it, besides “stop” and the like
 * @property {readonly string[] | ((args: any) => unknown)} [same] the arguments that make two calls the same, or what a
 *   call means: for ten minutes, a call that is the same gets the first one's result
 */

/**
 * @typedef {object} ToolProgress
 * @property {string} id
 * @property {string} name
 * @property {'running' | 'answered' | 'failed' | 'cancelled'} status
 */

/** Calls at the same time; those beyond are answered with an error. */
const MOST_RUNNING = 64;
/** Ids of calls that are known, so that a repeated one is ignored; the oldest are forgotten. */
const MOST_SEEN = 1000;
const TOO_MANY = `This page runs at most ${MOST_RUNNING} calls at a time. Wait for their results, then call it again.`;
const TIME_LIMIT_S = 30;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const SCHEDULINGS = ['INTERRUPT', 'WHEN_IDLE', 'SILENT'];
/** For a call that ends the conversation, which may be pending for as long as the goodbye is played. */
const FAREWELL_LIMIT_S = 180;

/**
 * Answers each call once: a repeated id is ignored, and a cancelled call gets no answer. A call without an id is answered
 * by its name. A call outlives its connection,
 * because the session that is resumed still waits for it. If the session is lost, a call that the next one repeats is
 * answered with the result of the first.
 */
export class Tools {
  /** @type {Map<string, ToolOptions & {tool: Tool}>} */
  #tools = new Map();
  /** @type {Map<string, Declaration>} */
  #declared = new Map();
  /** The declared arguments of each tool, where known. @type {Map<string, Schema>} */
  #schemas = new Map();
  /** By the call's id, or one of our own. @type {Map<string, AbortController>} */
  #running = new Map();
  #unnamed = 0;
  /** @type {Set<string>} */
  #seen = new Set();
  /**
   * Called with a call that ends the conversation, and whether the model waits for its answer. Resolves when the call is
   * to be answered; rejects if the conversation continues.
   * @type {((waits: boolean) => Promise<void>) | null}
   */
  farewell = null;
  /**
   * Called before a step that is held. Resolves when it is decided.
   * @type {((hold: import('./holding.js').Hold, signal: AbortSignal) => Promise<{refused: boolean, spoken: boolean}>) | null}
   */
  hold = null;
  /** Replaced when the model no longer knows the calls that it made. */
  #session = {};
  #ledger;
  #repeats;
  #answer;
  #progress;
  #inform;

  /**
   * @param {(responses: FunctionResponse[]) => void} answer
   * @param {(progress: ToolProgress) => void} progress
   * @param {(results: string) => void} [inform] called with results that a rebuilt session was told to wait for
   * @param {import('./waiting.js').Clock} [clock]
   */
  constructor(answer, progress, inform = () => {}, clock = steadyClock) {
    this.#answer = answer;
    this.#progress = progress;
    this.#inform = inform;
    this.#ledger = new Ledger(clock);
    this.#repeats = new Repeats(clock);
  }

  /** Whether a call is running. */
  get busy() {
    return this.#running.size > 0;
  }

  /** @param {string} name @param {Tool} tool @param {ToolOptions} [options] */
  handle(name, tool, options) {
    this.#tools.set(name, { ...options, tool });
  }

  /** @param {string} name */
  forget(name) {
    this.#tools.delete(name);
  }

  /**
   * Starts a conversation: compares the page's handlers with what the token declares.
   * @param {Declaration[] | null} [declarations]
   * @param {DeclaredTool[] | null} [locked]
   * @returns {{missing: string[], surplus: string[]}} declared but not handled; handled but not declared
   */
  expect(declarations, locked) {
    this.cancelAll();
    this.#seen.clear();
    this.#ledger.forget();
    this.#declared = new Map(named(declarations).map((declaration) => [declaration.name, declaration]));
    this.#schemas.clear();
    for (const { name, parameters, parametersJsonSchema } of listed(locked).flatMap((tool) => named(tool?.functionDeclarations))) {
      const schema = parameters ?? parametersJsonSchema;
      if (schema) this.#schemas.set(name, schema);
    }
    return {
      missing: [...this.#declared.values()].filter(({ name, ends, runs }) => !ends && !runs && !this.#tools.has(name)).map(({ name }) => name),
      surplus: [...this.#tools.keys()].filter((name) => !this.#declared.has(name)),
    };
  }

  /**
   * Runs calls. Those that the model waits for are answered together; each of the others when it is ready.
   * @param {FunctionCall[]} calls
   */
  call(calls) {
    const fresh = calls.filter(({ id }) => id === '' || !this.#seen.has(id));
    for (const { id } of fresh) this.#see(id);
    const taken = fresh.splice(0, Math.max(0, MOST_RUNNING - this.#running.size));
    if (fresh.length > 0) this.#answer(fresh.map((call) => ({ ...identified(call), name: call.name, response: { error: TOO_MANY } })));
    const session = this.#session;
    const groups = [taken.filter((call) => this.#waits(call)), ...taken.filter((call) => !this.#waits(call)).map((call) => [call])];
    for (const group of groups) {
      const entries = group.map((call) => this.#ledger.find(call) ?? this.#ledger.add(call, this.#run(call)));
      Promise.all(entries.map(({ result }) => result)).then((responses) => {
        if (session !== this.#session) {
          const late = this.#ledger.late(entries);
          if (late) this.#inform(late);
          return;
        }
        for (const entry of entries) entry.known = true;
        const answers = responses.flatMap((response, i) => (response ? [{ ...response, ...identified(group[i]) }] : []));
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

  /** @param {string} id */
  #see(id) {
    this.#seen.add(id);
    if (this.#seen.size > MOST_SEEN) this.#seen.delete(/** @type {string} */ (this.#seen.values().next().value));
  }

  /** @param {FunctionCall} call whether the model waits for its answer */
  #waits({ name }) {
    return this.#declared.get(name)?.behavior !== 'NON_BLOCKING';
  }

  /** @param {FunctionCall} call whether the conversation ends after it */
  #ends({ name }) {
    return this.#declared.get(name)?.ends === true;
  }

  /** @param {FunctionCall} call @returns {Promise<FunctionResponse | null>} without the id; null when cancelled; never rejects */
  async #run(call) {
    const { id, name } = call;
    const controller = new AbortController();
    const { signal } = controller;
    const key = id || `unnamed ${(this.#unnamed += 1)}`;
    const session = this.#session;
    this.#running.set(key, controller);
    this.#progress({ id: key, name, status: 'running' });
    /** @type {Scheduling | undefined} */
    let scheduling;
    const unawaited = !this.#waits(call);
    /** @param {FunctionResponse['response']} response @returns {FunctionResponse} */
    const answer = (response) => ({ name, response, ...(scheduling && unawaited && { scheduling }) });
    /** @type {ToolCall} */
    const circumstances = {
      id,
      signal,
      schedule: (when) => {
        if (SCHEDULINGS.includes(when)) scheduling = when;
      },
      update: (output) => {
        const wanted = unawaited && session === this.#session && this.#running.get(key) === controller;
        if (wanted) this.#answer([{ ...answer({ output: plain(output) }), ...identified(call), willContinue: true }]);
      },
    };
    const seconds = this.#ends(call) ? FAREWELL_LIMIT_S : (this.#tools.get(name)?.seconds ?? TIME_LIMIT_S);
    const limit = overdue(controller, seconds);
    const response = await Promise.race([this.#respond(call, circumstances), limit.passed, aborted(signal)]);
    limit.lift();
    this.#running.delete(key);
    if (response === null) {
      this.#progress({ id: key, name, status: 'cancelled' });
      return null;
    }
    this.#progress({ id: key, name, status: 'error' in response ? 'failed' : 'answered' });
    return answer(response);
  }

  /**
   * @param {FunctionCall} call
   * @param {ToolCall} circumstances
   * @returns {Promise<FunctionResponse['response']>}
   */
  async #respond(call, circumstances) {
    const { name, args } = call;
    const ends = this.#ends(call);
    // A handler is optional if all that the call does is to end the conversation.
    /** @type {(ToolOptions & {tool: Tool}) | null} */
    const known = this.#tools.get(name) ?? (ends ? { tool: () => 'The conversation ends now.' } : null);
    if (!known) return { error: `This page has no tool named ${name}.` };
    try {
      for (const schema of [this.#schemas.get(name), known.schema]) {
        if (schema) (await import('./schema.js')).check(args, schema);
      }
    } catch (error) {
      return { error: messageOf(error) };
    }
    const run = () => this.#take(call, known, circumstances).catch((error) => ({ error: messageOf(error) }));
    return known.same ? this.#repeats.run(call, known.same, run) : run();
  }

  /**
   * Takes the step, unless the person stops it.
   * @param {FunctionCall} call
   * @param {ToolOptions & {tool: Tool}} handler
   * @param {ToolCall} circumstances
   * @returns {Promise<FunctionResponse['response']>}
   */
  async #take(call, { tool, hold, refusals }, circumstances) {
    const held = hold ? await this.hold?.({ name: call.name, seconds: hold, refusals }, circumstances.signal) : null;
    if (held?.refused) {
      this.#inform(`${call.name} was not carried out: the user stopped it.`);
      return { error: 'Nothing was done: the user stopped it.' };
    }
    const output = plain(await tool(call.args, circumstances));
    // A model whose call was interrupted ignores its result, and says what it supposes.
    if (held?.spoken) this.#inform(`${call.name} was carried out: ${JSON.stringify(output)}`);
    if (this.#ends(call)) await this.farewell?.(this.#waits(call));
    return { output };
  }
}

/** @param {{id: string}} call @returns {{id?: string}} */
const identified = ({ id }) => (id ? { id } : {});

/**
 * @param {unknown} output
 * @returns {unknown} what is left of it in JSON, so that nothing can fail when it is sent
 * @throws {TypeError} if JSON cannot hold it
 */
const plain = (output) => JSON.parse(JSON.stringify(output) ?? 'null');

/** @param {unknown} thrown @returns {string} */
function messageOf(thrown) {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'The tool failed.';
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
    }, Math.min(seconds * 1000, LONGEST_TIMER_MS));
  });
  return { passed, lift: () => clearTimeout(timer) };
}
