/** Reports the changes of a session to React: words once a frame, and everything else at once. */

/** @typedef {import('../live/session.js').LiveSession} LiveSession */
/** @typedef {Omit<import('../live/session.js').Snapshot, 'transcript'>} Status */

/** Subscribes for as long as the session lives, because React may discard a component before it is mounted. */
export class SessionStore {
  #session;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  #status;
  #announced = false;

  /** @param {LiveSession} session */
  constructor(session) {
    this.#session = session;
    this.#status = statusOf(session);
    session.subscribe(() => this.#compare());
  }

  /** @param {() => void} listener called after a change @returns {() => void} ends the subscription */
  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** @returns {Status} the same object until it has changed */
  getStatus = () => this.#status;

  /** @returns {LiveSession['transcript']} the same array until there is more */
  getTranscript = () => this.#session.transcript;

  #compare() {
    const status = statusOf(this.#session);
    const same = Object.entries(status).every(([name, value]) => value === this.#status[/** @type {keyof Status} */ (name)]);
    if (same) this.#announce();
    else {
      this.#status = status;
      this.#notify();
    }
  }

  /** Reports new words at the next frame: React renders at once whenever a store reports a change. */
  #announce() {
    if (this.#announced) return;
    this.#announced = true;
    const nextFrame = globalThis.requestAnimationFrame ?? setTimeout;
    nextFrame(() => {
      this.#announced = false;
      this.#notify();
    });
  }

  #notify() {
    for (const listener of this.#listeners) listener();
  }
}

/** @param {LiveSession} session @returns {Status} */
function statusOf(session) {
  const { transcript: _, ...status } = session.getSnapshot();
  return status;
}
