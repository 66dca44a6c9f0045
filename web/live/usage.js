/** What a conversation costs in tokens, by turn and in all. */

/**
 * `usageMetadata` as the Live API sends it.
 * @typedef {{modality?: string, tokenCount?: number}[]} ByModality
 * @typedef {{promptTokenCount?: number, responseTokenCount?: number, thoughtsTokenCount?: number,
 *   toolUsePromptTokenCount?: number, totalTokenCount?: number,
 *   promptTokensDetails?: ByModality, responseTokensDetails?: ByModality}} UsageMetadata
 */

/**
 * Tokens. Each turn pays for the whole context again, so that `prompt` of a turn is how large the context is, and
 * `prompt` of all is what was paid for.
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

/** In a turn the latest count stands for those before it; over turns they add up. */
export class Usage {
  #past = NONE;
  #turn = NONE;
  #over = false;

  /** @param {UsageMetadata} metadata @returns {UsageReport} */
  hear(metadata) {
    const tokens = read(metadata);
    // The bill may follow the turn's end, once. A count that shrinks is of something else than the one before it.
    if ((this.#over && this.#turn !== NONE) || tokens.total < this.#turn.total) this.#next();
    this.#turn = tokens;
    return { turn: tokens, total: sum(this.#past, tokens) };
  }

  /** Something of a turn was heard. */
  goOn() {
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
