/** Shows the doctor's findings as they come, and announces a summary to screen readers. */

/** @typedef {import('./doctor.js').Finding} Finding */

const WORDS = { ok: 'OK', fault: 'Problem', untested: 'Not tested' };

/** Starts with an empty list for each examination. */
export class Report {
  #list;
  #status;

  /** @param {HTMLElement} list @param {HTMLElement} status a live region */
  constructor(list, status) {
    this.#list = list;
    this.#status = status;
  }

  begin() {
    this.#list.replaceChildren();
    this.#list.hidden = false;
    this.#status.textContent = 'Running checks…';
  }

  /** @param {Finding} finding */
  add({ check, result, sentence }) {
    const mark = document.createElement('strong');
    mark.textContent = WORDS[result];
    const name = document.createElement('span');
    name.textContent = check;
    const text = document.createElement('p');
    text.textContent = sentence;
    const line = document.createElement('li');
    line.className = result;
    line.append(mark, name, text);
    this.#list.append(line);
  }

  /** @param {Finding[]} findings */
  conclude(findings) {
    const faults = findings.filter(({ result }) => result === 'fault').length;
    this.#status.textContent =
      faults === 0 ? 'No problems found. The widget works on this page.' : `${faults} ${faults === 1 ? 'problem' : 'problems'} found. Each one says how to fix it.`;
  }
}
