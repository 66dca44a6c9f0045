/** Counts what a conversation costs in tokens, by turn and in total. */

/** @typedef {import('./connection/protocol.js').ByModality} ByModality */
/** @typedef {import('./connection/protocol.js').UsageMetadata} UsageMetadata */

/**
 * Tokens. Each turn pays for the whole context again: `prompt` of a turn is the size of the context, `prompt` of the
 * total is what was paid for.
 * @typedef {object} Tokens
 * @property {number} prompt
 * @property {number} response
 * @property {number} thoughts
 * @property {number} tools
 * @property {number} total
 * @property {Record<string, number>} promptBy by modality: `AUDIO`, `TEXT`, `IMAGE`, `VIDEO`
 * @property {Record<string, number>} responseBy
 *
 * @typedef {{turn: Tokens, total: Tokens}} UsageReport
 */

const NONE = read({});

/** Within a turn the latest count replaces earlier ones; turns add up. */
export class Usage {
  #past = NONE;
  #turn = NONE;
  #over = false;

  /** @param {UsageMetadata} metadata @returns {UsageReport} */
  record(metadata) {
    const tokens = read(metadata);
    // Usage may follow the turn's end, once. A count that shrinks belongs to another turn.
    if ((this.#over && this.#turn !== NONE) || tokens.total < this.#turn.total) this.#next();
    this.#turn = tokens;
    return { turn: tokens, total: sum(this.#past, tokens) };
  }

  /** Content has arrived: if the last turn is over, the next one has begun. */
  beginTurn() {
    if (this.#over) this.#next();
  }

  /** The turn is over. */
  complete() {
    this.#over = true;
  }

  #next() {
    this.#past = sum(this.#past, this.#turn);
    this.#turn = NONE;
    this.#over = false;
  }
}

/** @param {UsageMetadata} metadata @returns {Tokens} */
function read(metadata) {
  const by = (/** @type {ByModality} */ details = []) =>
    Object.fromEntries(details.map(({ modality = '', tokenCount = 0 }) => [modality, tokenCount]));
  return {
    prompt: metadata.promptTokenCount ?? 0,
    response: metadata.responseTokenCount ?? 0,
    thoughts: metadata.thoughtsTokenCount ?? 0,
    tools: metadata.toolUsePromptTokenCount ?? 0,
    total: metadata.totalTokenCount ?? 0,
    promptBy: by(metadata.promptTokensDetails),
    responseBy: by(metadata.responseTokensDetails),
  };
}

/** @template {Record<string, any>} Counts @param {Counts} a @param {Counts} b @returns {Counts} */
function sum(a, b) {
  /** @type {Record<string, any>} */
  const both = { ...a };
  for (const [key, value] of Object.entries(b)) {
    both[key] = typeof value === 'number' ? (both[key] ?? 0) + value : sum(both[key], value);
  }
  return /** @type {Counts} */ (both);
}
