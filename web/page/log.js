/** The transcript: on the screen as it happens, for a screen reader once final. */

/** @typedef {import('../live/transcript.js').Utterance} Utterance */
/** @typedef {import('../live/tools.js').ToolProgress} ToolProgress */

const TOOL_WORDS = { running: 'Using', answered: 'Used', failed: 'Could not use', cancelled: 'Stopped using' };

/** Scrolls to its end, unless the person has scrolled up to read. */
export class Log {
  #list;
  #announcer;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} announcer a live region; the list itself is not one, or every fragment would be read out
   */
  constructor(list, announcer) {
    this.#list = list;
    this.#announcer = announcer;
  }

  clear() {
    this.#list.replaceChildren();
    this.#announcer.textContent = '';
  }

  /** @param {Utterance} utterance */
  show(utterance) {
    const { side, text, final, interrupted } = utterance;
    this.#atEnd(() => {
      const line = this.#find(utterance.id) ?? this.#place(utterance);
      line.textContent = text;
      line.className = `utterance ${side}${final ? ' final' : ''}${interrupted ? ' interrupted' : ''}`;
    });
    if (final && !utterance.typed) this.#announcer.textContent = `${side === 'user' ? 'You' : 'Gemini'}: ${text}`;
  }

  /** @param {ToolProgress} progress */
  progress({ id, name, status }) {
    this.#atEnd(() => {
      const line = this.#find(`tool ${id}`) ?? this.#append(`tool ${id}`);
      const code = document.createElement('code');
      code.textContent = name;
      line.replaceChildren(`${TOOL_WORDS[status]} `, code);
      line.className = `tool ${status}`;
    });
  }

  /** @param {string} key @returns {HTMLElement | null} */
  #find(key) {
    return this.#list.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  /** @param {string} key */
  #append(key) {
    const line = document.createElement('li');
    line.dataset.key = key;
    this.#list.append(line);
    return line;
  }

  /**
   * Places an utterance in its turn: the words of a question often arrive after the answer has begun.
   * @param {Utterance} utterance
   */
  #place({ id, side, turn, typed }) {
    const line = this.#append(id);
    line.dataset.turn = `${turn} ${side}`;
    const answer = this.#list.querySelector(`[data-turn="${turn} agent"]`);
    if (side === 'user' && !typed && answer) answer.before(line);
    return line;
  }

  /** @param {() => void} change */
  #atEnd(change) {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    const following = scrollHeight - scrollTop - clientHeight < 40;
    change();
    if (following) this.#list.scrollTop = this.#list.scrollHeight;
  }
}
