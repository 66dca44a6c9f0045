/** Records the page's microphone input and loudspeaker output, and counts the chunks between worklet and socket. */

(() => {
  const { connect } = AudioNode.prototype;
  const { addModule } = AudioWorklet.prototype;
  const { send } = WebSocket.prototype;
  const Node = AudioWorkletNode;
  const worklet = URL.createObjectURL(new Blob([globalThis.tapeWorklet], { type: 'text/javascript' }));
  const tapes = { captured: newTape(), played: newTape() };
  // `kept`: those that were sent with the first one, because the page had kept them until there was a connection.
  const counts = { delivered: 0, sent: 0, firstSent: null, kept: 0 };
  let deliveredAtFirst = 0;
  /**
   * For each connection, however often it was refused: the number of chunks before its first frame, and whether an answer
   * was being played.
   */
  const joins = [];
  /** When each chunk was passed to a socket, in milliseconds since the epoch. */
  const sentAt = [];

  AudioWorklet.prototype.addModule = async function (address, ...rest) {
    await addModule.call(this, worklet);
    return addModule.call(this, address, ...rest);
  };

  // Created before the page's node, so that it records from the first quantum.
  globalThis.AudioWorkletNode = class extends Node {
    constructor(context, name, options) {
      const witness = name === 'tokensvc-capture' ? record(context, tapes.captured) : null;
      super(context, name, options);
      if (witness === null) return;
      this.witness = witness;
      this.port.addEventListener('message', ({ data }) => {
        if (!(data instanceof Int16Array)) return;
        if (counts.sent > 0) taps.backlog = Math.max(taps.backlog, counts.delivered - counts.firstSent - counts.sent);
        counts.delivered += 1;
      });
    }
  };

  AudioNode.prototype.connect = function (target, ...rest) {
    if (target.witness) connect.call(this, target.witness);
    if (target instanceof AudioDestinationNode) connect.call(this, record(this.context, tapes.played));
    return connect.call(this, target, ...rest);
  };

  WebSocket.prototype.send = function (frame) {
    if (frame.startsWith('{"setup"') && joins.at(-1)?.used !== false) {
      const heard = tapes.played.blocks.at(-1)?.samples ?? [];
      joins.push({ delivered: counts.delivered, answering: heard.some((sample) => sample !== 0), used: false });
    }
    if (frame.startsWith('{"realtimeInput":{"audio"')) {
      sentAt.push(Date.now());
      joins.at(-1).used = true;
      if (counts.sent === 0) deliveredAtFirst = counts.delivered;
      if (counts.delivered === deliveredAtFirst) counts.kept += 1;
      counts.firstSent = deliveredAtFirst - counts.kept;
      counts.sent += 1;
    }
    return send.call(this, frame);
  };

  function newTape() {
    return { rate: 0, began: null, blocks: [], node: null, tell: () => {} };
  }

  function record(context, tape) {
    const node = new Node(context, 'tape', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    tape.rate = context.sampleRate;
    tape.node = node;
    node.port.onmessage = ({ data }) => {
      if (data.notes !== undefined) tape.tell(data.notes);
      else if (data.began !== undefined) tape.began = data.began;
      else tape.blocks.push(data);
    };
    return node;
  }

  /** All samples of a tape, from frame `from` on. */
  function samplesOf({ blocks }, from = -Infinity) {
    const kept = blocks.map((block) => block.samples.subarray(Math.max(0, from - block.from)));
    const whole = new Float32Array(kept.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const samples of kept) {
      whole.set(samples, at);
      at += samples.length;
    }
    return whole;
  }

  const base64 = ({ buffer }) => new Uint8Array(buffer).toBase64();

  globalThis.taps = {
    counts,
    joins,
    sentAt,

    /** The highest number of chunks delivered to the page and not yet passed to a socket. */
    backlog: 0,

    /** The frame at which the capture received its first sound. */
    get began() {
      return tapes.captured.began;
    },

    /** What the worklets have recorded so far; only while the context runs. */
    notes() {
      const { played } = tapes;
      return new Promise((resolve) => {
        played.tell = resolve;
        played.node.port.postMessage('tell');
      });
    },

    /** Whether every chunk that the page received was passed to a socket. */
    get allSent() {
      return counts.sent > 0 && counts.delivered === counts.firstSent + counts.sent;
    },

    /** A tape as 16-bit samples, in base64, and its rate. */
    recorded(name) {
      const samples = samplesOf(tapes[name]);
      return { rate: tapes[name].rate, pcm: base64(Int16Array.from(samples, (x) => Math.round(x * 32767))) };
    },

    /** The record, resampled by the page's own resampler in one run. */
    async resampled() {
      const { CAPTURE_RATE, Resampler, toInt16 } = await import(new URL('/live/media/pcm.js', globalThis.serviceUrl ?? location.href));
      const { rate, began, blocks } = tapes.captured;
      if (began === null || began < blocks[0].from) throw new Error('The witness came too late.');
      const raw = samplesOf(tapes.captured, began);
      const room = new Float32Array(Math.ceil((raw.length * CAPTURE_RATE) / rate) + 1);
      const length = new Resampler(rate, CAPTURE_RATE).resample(raw, raw.length, room);
      const { delivered, firstSent } = counts;
      const pcm = base64(Int16Array.from(room.subarray(0, length), toInt16));
      return { delivered, firstSent, pcm, rate, raw: base64(Int16Array.from(raw, (x) => Math.round(x * 32767))) };
    },
  };
})();
