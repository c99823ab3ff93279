// Runs on the audio thread: gathers samples of the first channel and hands them over in blocks of a tenth of a second.

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, of: unknown): void;

class Listener extends AudioWorkletProcessor {
  private block = new Float32Array(Math.round(sampleRate / 10));
  private filled = 0;

  process([input]: Float32Array[][]): boolean {
    for (const sample of input?.[0] ?? []) {
      this.block[this.filled++] = sample;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block, [this.block.buffer]);
        this.block = new Float32Array(Math.round(sampleRate / 10));
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('listener', Listener);
