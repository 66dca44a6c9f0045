/** A page's tools, and what they answer. */

import { Tools } from '../../../web/live/tools.js';
import { TestClock } from '../test-clock.js';

/** Tools that note what they answer and report; `settled` waits until so many answers were given. */
export class Page {
  /** @type {import('../../../web/live/connection/protocol.js').FunctionResponse[][]} */
  answers = [];
  /** @type {string[]} */
  progress = [];
  #noted = new EventTarget();
  clock = new TestClock();
  /** Results that a rebuilt session is told later. @type {string[]} */
  informed = [];
  tools = new Tools(
    (responses) => this.#note(this.answers, responses),
    ({ id, status }) => this.#note(this.progress, `${id} ${status}`),
    (results) => this.#note(this.informed, results),
    this.clock,
  );

  /** @template Thing @param {Thing[]} list @param {Thing} thing */
  #note(list, thing) {
    list.push(thing);
    this.#noted.dispatchEvent(new Event('noted'));
  }

  /** @param {(page: Page) => boolean} condition @returns {Promise<void>} */
  until(condition) {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition(this)) return;
        this.#noted.removeEventListener('noted', look);
        resolve();
      };
      this.#noted.addEventListener('noted', look);
      look();
    });
  }
}

export const call = (/** @type {string} */ id, name = 'f', args = {}) => ({ id, name, args });

/** A promise that the test keeps. */
export function pending() {
  /** @type {(value: unknown) => void} */
  let finish = () => {};
  const promise = new Promise((resolve) => (finish = resolve));
  return { promise, finish };
}

export const answered = (/** @type {Page} */ page) => page.answers.length > 0;
