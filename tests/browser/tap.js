/** Records everything that the page connects to its loudspeaker, just before it gets there. */

(() => {
  const { connect } = AudioNode.prototype;
  const tap = { rate: 0, blocks: [] };
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      const copy = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
      connect.call(this, copy);
      // Room for half a minute: a page that stands still must not make holes in what is recorded.
      const track = copy.stream.getAudioTracks()[0];
      record(new MediaStreamTrackProcessor({ track, maxBufferSize: 3000 }).readable.getReader());
    }
    return connect.call(this, target, ...rest);
  };

  async function record(reader) {
    for (;;) {
      const { value: sound, done } = await reader.read();
      if (done) return;
      const block = new Float32Array(sound.numberOfFrames);
      sound.copyTo(block, { planeIndex: 0, format: 'f32-planar' });
      tap.rate = sound.sampleRate;
      tap.blocks.push(block);
      sound.close();
    }
  }

  globalThis.played = () => {
    const samples = Int16Array.from(tap.blocks.flatMap((block) => Array.from(block, (x) => Math.round(x * 32767))));
    let binary = '';
    for (const byte of new Uint8Array(samples.buffer)) binary += String.fromCharCode(byte);
    return { rate: tap.rate, pcm: btoa(binary) };
  };
})();
