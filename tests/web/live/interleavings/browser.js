/** A browser, a token service and a Live API in which nothing happens unless the test's scheduler says so. */

/** @typedef {{what: string, happen: () => void}} Event something outside that may happen next */

/** @param {number} seed @returns {() => number} from 0 to 1 (mulberry32) */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** What is outside: everything that was opened, and everything that may still happen. */
export class Outside {
  now = 0;
  /** @type {Map<number, {at: number, call: () => void, counted: boolean}>} */
  timers = new Map();
  /** @type {Set<Event>} */
  events = new Set();
  /** @type {Socket[]} */
  sockets = [];
  /** @type {{readyState: string}[]} */
  tracks = [];
  /** @type {Context[]} */
  contexts = [];
  /** @type {Worklet[]} */
  captures = [];
  /** Leases that were handed out, and how often each was ended. @type {Map<string, number>} */
  leases = new Map();
  /** Whether the conversation is over, so that nothing may be opened. */
  over = false;
  /** What was opened all the same. @type {string[]} */
  late = [];
  #timer = 0;
  #leases = 0;

  /** @param {() => number} random */
  constructor(random) {
    this.random = random;
  }

  /** @template Choice @param {Choice[]} choices @returns {Choice} */
  pick(choices) {
    return choices[Math.floor(this.random() * choices.length)];
  }

  /** @param {string} what @param {() => void} happen */
  may(what, happen) {
    const event = { what, happen: () => (this.events.delete(event), happen()) };
    this.events.add(event);
    return event;
  }

  /**
   * Decides later, or never: mostly in the first way.
   * @template Value
   * @param {string} what
   * @param {(() => Value)[]} ways that it may end; one that throws rejects
   * @param {AbortSignal} [signal]
   * @returns {Promise<Value>}
   */
  decide(what, ways, signal) {
    return new Promise((resolve, reject) => {
      const event = this.may(what, () => {
        try {
          resolve((this.random() < 0.85 ? ways[0] : this.pick(ways))());
        } catch (error) {
          reject(error);
        }
      });
      signal?.addEventListener('abort', () => (this.events.delete(event), reject(signal.reason)));
    });
  }

  /** @param {() => void} call @param {number} milliseconds */
  after(call, milliseconds, counted = true) {
    this.#timer += 1;
    this.timers.set(this.#timer, { at: this.now + milliseconds, call, counted });
    return this.#timer;
  }

  /** Timers that the client could have taken back. */
  get running() {
    return [...this.timers.values()].filter(({ counted }) => counted).length;
  }

  /** @param {number} milliseconds in which every timer fires in order */
  pass(milliseconds) {
    const until = this.now + milliseconds;
    for (let fired = 0; fired < 200; fired += 1) {
      const [next] = [...this.timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      this.timers.delete(next[0]);
      this.now = Math.max(this.now, next[1].at);
      next[1].call();
    }
    this.now = until;
  }

  /** @param {string} what */
  open(what) {
    if (this.over) this.late.push(what);
  }

  /** @param {'audio' | 'video'} kind */
  stream(kind) {
    const track = Object.assign(new EventTarget(), { kind, readyState: 'live', enabled: true, onended: null });
    const stop = () => (track.readyState = 'ended');
    this.tracks.push(Object.assign(track, { stop, getSettings: () => ({ facingMode: 'user' }) }));
    const tracks = () => [track];
    return { getTracks: tracks, getAudioTracks: tracks, getVideoTracks: tracks };
  }

  /** @param {string} path @param {any} request @param {AbortSignal} [signal] @returns {Promise<Response>} */
  async fetch(path, request, signal) {
    if (path.endsWith('/lease/end')) {
      this.leases.set(request.lease, (this.leases.get(request.lease) ?? 0) + 1);
      return answer(204, '');
    }
    this.open(`POST ${path}`);
    const granted = () => {
      let { lease } = request;
      if (!lease) this.leases.set((lease = `lease ${(this.#leases += 1)}`), 0);
      const features = { text: true, activity: this.pick(['manual', 'automatic']), greeting: 'Greet.', idle_stop: 60, rebuild: 'content' };
      const times = { expires_in: 30, lease_expires_in: 600 };
      return answer(200, JSON.stringify({ token: 't', websocket_url: 'wss://voice.test', setup: {}, lease, features, ...times }));
    };
    const refused = () => answer(503, '{"code":"temporarily-unavailable"}');
    const ways = [granted, refused, () => answer(200, '{"token":'), fail];
    if (!request.lease) ways.push(() => answer(401, ''));
    return this.decide('POST /token', ways, signal);
  }
}

/** The Live API's end of a socket. */
export class Socket {
  bufferedAmount = 0;
  /** Whether the client has not closed it, and neither has the server. */
  isOpen = true;
  /** Whether the setup was accepted. */
  isLive = false;
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  #outside;
  #opening;

  /** @param {Outside} outside */
  constructor(outside) {
    outside.open('a socket');
    outside.sockets.push(this);
    this.#outside = outside;
    this.#opening = outside.may('a socket opens', () => this.onopen?.({}));
  }

  /** @param {string} frame */
  send(frame) {
    if (!frame.startsWith('{"setup"')) return;
    this.#outside.may('a setup is answered', () => this.#answer());
  }

  close() {
    if (!this.isOpen) return;
    this.isOpen = false;
    // The closing handshake may take its time, or never come to an end; an opening may be under way.
    this.#outside.may('a socket is closed', () => this.onclose?.({ code: 1000, reason: '' }));
    if (this.#outside.random() < 0.5) this.#outside.events.delete(this.#opening);
  }

  /** @param {number} code @param {string} reason */
  drop(code, reason) {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onclose?.({ code, reason });
  }

  /** @param {object} message */
  receive(message) {
    if (this.isOpen) this.onmessage?.({ data: JSON.stringify(message) });
  }

  #answer() {
    const [code, reason] = this.#outside.pick([[1006, ''], [1011, 'Internal error encountered.']]);
    if (this.#outside.random() < 0.2) {
      this.drop(Number(code), String(reason));
      return;
    }
    this.isLive = this.isOpen;
    this.receive({ setupComplete: {} });
    if (this.#outside.random() < 0.7) this.receive({ sessionResumptionUpdate: { newHandle: 'h', resumable: true } });
  }
}

/** An AudioContext. */
export class Context extends EventTarget {
  state = 'suspended';
  sampleRate = 48_000;
  currentTime = 0;
  outputLatency = 0;
  destination = {};
  /** @type {any} */ onstatechange = null;
  #outside;

  /** @param {Outside} outside */
  constructor(outside) {
    super();
    outside.open('an audio context');
    outside.contexts.push(this);
    this.#outside = outside;
    this.audioWorklet = { addModule: () => outside.decide('a worklet is loaded', [() => {}, fail]) };
  }

  resume() {
    return this.#outside.decide('sound is allowed', [() => {
      if (this.state === 'suspended') this.state = 'running';
    }]);
  }

  async close() {
    this.state = 'closed';
  }

  /** @param {object} stream */
  createMediaStreamSource(stream) {
    return { context: this, stream, connect: () => {}, disconnect: () => {} };
  }

  async setSinkId() {}
}

/** A node, and the port of a worklet. */
export class Worklet {
  gain = { setTargetAtTime() {} };
  isOpen = true;
  /** @type {any} */ onended = null;
  port = { onmessage: /** @type {any} */ (null), postMessage() {}, close: () => (this.isOpen = false) };
  #outside;

  /** @param {Outside} outside @param {string} [name] */
  constructor(outside, name) {
    this.#outside = outside;
    if (name === 'tokensvc-capture') outside.captures.push(this);
  }

  /** @param {any} target */
  connect(target) {
    return target;
  }

  disconnect() {}
  start() {}
  getFloatTimeDomainData() {}

  stop() {
    this.#outside.may('a last sound ends', () => this.onended?.());
  }

  /** 20 ms of the microphone. @param {boolean} loud */
  capture(loud) {
    if (this.isOpen) this.port.onmessage?.({ data: new Int16Array(320).fill(loud ? 8000 : 0) });
  }
}

/** @param {number} status @param {string} text */
const answer = (status, text) =>
  /** @type {Response} */ (/** @type {unknown} */ ({ ok: status < 300, status, headers: new Map(), json: async () => JSON.parse(text) }));

/** @returns {never} */
export function fail() {
  throw new DOMException('refused', 'NotAllowedError');
}

/**
 * Puts the globals that the client uses in the place of Node's.
 * @param {() => Outside} outside the present one
 */
export function install(outside) {
  class WithOutside extends Worklet {
    /** @param {unknown} _ @param {unknown} [name] */
    constructor(_, name) {
      super(outside(), typeof name === 'string' ? name : undefined);
    }
  }
  const events = new EventTarget();
  /** @param {'audio' | 'video'} kind */
  const media = (kind) => {
    outside().open(`a prompt for ${kind}`);
    return outside().decide(`${kind} is allowed`, [() => outside().stream(kind), fail]);
  };
  /** @type {Record<string, unknown>} */
  const globals = {
    isSecureContext: true,
    setTimeout: (/** @type {() => void} */ call, milliseconds = 0) => outside().after(call, milliseconds),
    clearTimeout: (/** @type {number} */ timer) => void outside().timers.delete(timer),
    performance: { now: () => outside().now },
    addEventListener: events.addEventListener.bind(events),
    fetch: (/** @type {URL} */ address, /** @type {any} */ { body, signal }) =>
      outside().fetch(new URL(address).pathname, JSON.parse(body), signal),
    navigator: {
      onLine: true,
      userActivation: { hasBeenActive: true },
      mediaDevices: Object.assign(new EventTarget(), {
        getUserMedia: (/** @type {any} */ wanted) => media(wanted.audio ? 'audio' : 'video'),
        getDisplayMedia: () => media('video'),
        enumerateDevices: async () => [{ kind: 'audioinput', deviceId: 'a' }, { kind: 'videoinput', deviceId: 'v' }],
      }),
      permissions: { query: async () => ({ state: outside().pick(['granted', 'prompt']) }) },
      wakeLock: { request: () => outside().decide('the screen stays on', [() => ({ release: async () => {} }), fail]) },
    },
    document: Object.assign(new EventTarget(), {
      visibilityState: 'visible',
      baseURI: 'https://site.test/',
      createElement: () => ({
        videoWidth: 64,
        videoHeight: 48,
        play: () => outside().decide('a video plays', [() => {}, fail]),
      }),
    }),
    OffscreenCanvas: class {
      getContext() {
        return { drawImage() {} };
      }
      convertToBlob() {
        return outside().decide('a picture is encoded', [() => new Blob(['jpeg']), fail]);
      }
    },
    AudioContext: class extends Context {
      constructor() {
        super(outside());
      }
    },
    AudioWorkletNode: WithOutside,
    AnalyserNode: WithOutside,
    GainNode: WithOutside,
    ConstantSourceNode: WithOutside,
  };
  AbortSignal.timeout = (milliseconds) => {
    const controller = new AbortController();
    outside().after(() => controller.abort(new DOMException('', 'TimeoutError')), milliseconds, false);
    return controller.signal;
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return {
    /** @param {'online' | 'offline'} type */
    goes(type) {
      /** @type {any} */ (globals.navigator).onLine = type === 'online';
      events.dispatchEvent(new Event(type));
    },
  };
}
