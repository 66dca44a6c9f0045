/** Records what the page takes from its microphone and what it gives to its loudspeaker, inside the audio graph. */

(() => {
  const { connect } = AudioNode.prototype;
  const tapes = { captured: { rate: 0, blocks: [] }, played: { rate: 0, blocks: [] } };
  AudioNode.prototype.connect = function (target, ...rest) {
    if (this instanceof MediaStreamAudioSourceNode) tap(this, tapes.captured);
    if (target instanceof AudioDestinationNode) tap(this, tapes.played);
    return connect.call(this, target, ...rest);
  };

  function tap(node, tape) {
    const copy = new MediaStreamAudioDestinationNode(node.context, { channelCount: 1 });
    connect.call(node, copy);
    // Room for half a minute: a page that stands still must not make holes in what is recorded.
    const track = copy.stream.getAudioTracks()[0];
    record(new MediaStreamTrackProcessor({ track, maxBufferSize: 3000 }).readable.getReader(), tape);
  }

  async function record(reader, tape) {
    for (;;) {
      const { value: sound, done } = await reader.read();
      if (done) return;
      const block = new Float32Array(sound.numberOfFrames);
      sound.copyTo(block, { planeIndex: 0, format: 'f32-planar' });
      tape.rate = sound.sampleRate;
      tape.blocks.push(block);
      sound.close();
    }
  }

  globalThis.recorded = (name) => {
    const { rate, blocks } = tapes[name];
    const samples = blocks.flatMap((block) => Array.from(block, (x) => Math.round(x * 32767)));
    let binary = '';
    for (const byte of new Uint8Array(Int16Array.from(samples).buffer)) binary += String.fromCharCode(byte);
    return { rate, pcm: btoa(binary) };
  };
})();
