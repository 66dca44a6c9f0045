// What AudioWorkletGlobalScope offers (Web Audio API, section 1.32), as far as our two worklets use it.

interface MessagePort {
  onmessage: ((event: { data: any }) => void) | null;
  postMessage(message: unknown, transfer?: ArrayBufferLike[]): void;
}

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  abstract process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}

declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare const sampleRate: number;
