/** Answers the calls of tools that the token service runs; loaded where a token declares any. */

import { LiveError } from './errors.js';
import { named } from './toolbox.js';
import { pause, steadyClock } from './waiting.js';

// Beyond the tool's own time: for a call that runs elsewhere, and for a network that comes back.
const EXTRA_S = 30;
const QUESTION_S = 120;
const RETRY_MS = 1000;

/** @typedef {import('./connection/token-source.js').Declaration} Declaration */
/** @typedef {import('./tools.js').ToolCall} ToolCall */
/**
 * @typedef {object} Question
 * @property {string} id of the call
 * @property {string} name of the tool
 * @property {string} question the service's own sentence
 * @property {(accept: boolean) => void} answer
 */
/** @typedef {{lease: string | undefined, call: string, name: string, args: unknown}} Request */
/** @typedef {{response?: {output?: unknown, error?: string}, scheduling?: import('./tools.js').Scheduling, pending?: {confirmation: string, hold?: number, question?: string}}} Answer */

/**
 * @param {import('./conversation.js').Parts} parts
 * @param {AbortSignal} signal
 */
export function attach(parts, signal) {
  for (const tool of named(parts.connection.features?.tools).filter(({ runs }) => runs === 'server')) {
    const seconds = (tool.timeout ?? 0) + QUESTION_S + EXTRA_S;
    const forget = parts.tools.handle(tool.name, (args, call) => new Run(parts, tool, args, call, signal).result(), { seconds });
    signal.addEventListener('abort', forget, { once: true });
  }
  return { receive() {} };
}

/** One call. */
class Run {
  #parts;
  #tool;
  #call;
  #signal;
  /** @type {Request} */
  #request;

  /**
   * @param {import('./conversation.js').Parts} parts
   * @param {Declaration} tool
   * @param {unknown} args
   * @param {ToolCall} call
   * @param {AbortSignal} signal of the conversation
   */
  constructor(parts, tool, args, call, signal) {
    this.#parts = parts;
    this.#tool = tool;
    this.#call = call;
    this.#signal = signal;
    this.#request = { lease: parts.connection.lease, call: call.id || crypto.randomUUID(), name: tool.name, args };
  }

  /** @returns {Promise<unknown>} what the tool returned; throws what the model is to be told instead */
  async result() {
    const { signal } = this.#call;
    const cancel = () => void this.#post('tool/cancel', { lease: this.#request.lease, call: this.#request.call }).catch(() => {});
    signal.addEventListener('abort', cancel, { once: true });
    const holding = await this.#parts.holding();
    const since = holding.mark();
    let { response, scheduling, pending } = await this.#post('tool', this.#request);
    if (pending) {
      const { accept, spoken } = await this.#decide(pending, holding, since);
      ({ response, scheduling } = await this.#post('tool/confirm', { ...this.#request, confirmation: pending.confirmation, accept }));
      // A model whose call was interrupted ignores the result of it, and says what it supposes.
      if (spoken) this.#parts.inform(`${this.#tool.name} ${told(response)}`);
    }
    signal.removeEventListener('abort', cancel);
    if (scheduling) this.#call.schedule(scheduling);
    if (response?.error !== undefined) throw new Error(response.error);
    return response?.output;
  }

  /**
   * @param {NonNullable<Answer['pending']>} pending
   * @param {import('./holding.js').Holding} holding
   * @param {import('./holding.js').Mark} since
   * @returns {Promise<{accept: boolean, spoken: boolean}>}
   */
  async #decide({ hold = 0, question }, holding, since) {
    const { signal } = this.#call;
    const asked = new AbortController();
    const over = AbortSignal.any([signal, asked.signal]);
    const seconds = question === undefined ? hold : QUESTION_S;
    const waited = holding.wait({ name: this.#tool.name, seconds, refusals: this.#tool.refusals }, over, since).then(
      // A question that nobody answers is refused.
      ({ refused, spoken }) => ({ accept: !refused && question === undefined, spoken }),
    );
    if (question === undefined) return waited;
    const answered = new Promise((/** @type {(accept: boolean) => void} */ answer) => {
      this.#parts.emit('question', { id: this.#call.id, name: this.#tool.name, question, answer });
    }).then((accept) => ({ accept, spoken: false }));
    const decided = await Promise.race([answered, waited]).finally(() => {
      this.#parts.emit('question', null);
      asked.abort();
    });
    waited.catch(() => {});
    return decided;
  }

  /**
   * Posts until there is an answer: the same call runs once, however often it is sent.
   * @param {string} route
   * @param {object} request
   * @returns {Promise<Answer>}
   */
  async #post(route, request) {
    const until = steadyClock.now() + ((this.#tool.timeout ?? 0) + EXTRA_S) * 1000;
    for (;;) {
      try {
        return await this.#parts.tokens.call(route, request, this.#signal, (this.#tool.timeout ?? 0) + EXTRA_S);
      } catch (error) {
        if (!(error instanceof LiveError) || !error.retryable || steadyClock.now() > until) throw error;
        await pause(steadyClock, (error.retryAfter ?? 0) * 1000 || RETRY_MS, this.#signal);
      }
    }
  }
}

/** @param {Answer['response']} response @returns {string} */
const told = (response) =>
  response?.error === undefined ? `has taken effect: ${JSON.stringify(response?.output)}` : `has not taken effect: ${response.error}`;
