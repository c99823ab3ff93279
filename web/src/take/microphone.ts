// The microphone as it is: no echo cancellation, no noise suppression, no gain control, and what the browser says it did is recorded.

import processor from './processor.ts?worker&url';

/** What is known of how a recording was made. */
export interface Capture {
  codec: 'pcm_s16le';
  sample_rate_hz: number;
  channels: 1;
  device: string;
  echo_cancellation: boolean | 'unknown';
  noise_suppression: boolean | 'unknown';
  auto_gain_control: boolean | 'unknown';
  user_agent: string;
}

export class Microphone {
  /** Called with every block of samples in [-1, 1], about a tenth of a second each. */
  heard: (block: Float32Array) => void = () => undefined;

  private constructor(
    private readonly stream: MediaStream,
    private readonly context: AudioContext,
    readonly capture: Capture,
  ) {}

  /** Opens it; whoever refuses or has none is an error with the browser's words. */
  static async open(): Promise<Microphone> {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const track = stream.getAudioTracks()[0]!;
    const set = track.getSettings();
    const context = new AudioContext(set.sampleRate ? { sampleRate: set.sampleRate } : {});
    await context.audioWorklet.addModule(processor);
    const source = context.createMediaStreamSource(stream);
    const listener = new AudioWorkletNode(context, 'listener', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    const microphone = new Microphone(stream, context, {
      codec: 'pcm_s16le',
      sample_rate_hz: context.sampleRate,
      channels: 1,
      device: track.label,
      echo_cancellation: set.echoCancellation ?? 'unknown',
      noise_suppression: set.noiseSuppression ?? 'unknown',
      auto_gain_control: set.autoGainControl ?? 'unknown',
      user_agent: navigator.userAgent,
    });
    listener.port.onmessage = ({ data }) => microphone.heard(data as Float32Array);
    source.connect(listener);
    await context.resume();
    return microphone;
  }

  close(): void {
    this.stream.getTracks().forEach((it) => it.stop());
    void this.context.close();
  }
}

/** Samples as 16-bit integers; what is beyond full scale is cut, as a converter does. */
export function sixteenBits(block: Float32Array): Int16Array {
  return Int16Array.from(block, (it) => Math.max(-32768, Math.min(32767, Math.round(it * 32768))));
}

/** A WAV file (RIFF, PCM, 16 bits, one channel) of blocks of samples. */
export function wav(blocks: Int16Array[], rate: number): Blob {
  const bytes = blocks.reduce((sum, it) => sum + it.byteLength, 0);
  const head = new DataView(new ArrayBuffer(44));
  const word = (at: number, text: string) => [...text].forEach((it, place) => head.setUint8(at + place, it.charCodeAt(0)));
  word(0, 'RIFF');
  head.setUint32(4, 36 + bytes, true);
  word(8, 'WAVEfmt ');
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, rate * 2, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  word(36, 'data');
  head.setUint32(40, bytes, true);
  return new Blob([head.buffer, ...blocks.map((it) => it.slice().buffer)], { type: 'audio/wav' });
}

export type Heard = 'quiet' | 'loud' | 'noisy' | 'good';

/** How well a few seconds of speech were heard, from the levels of 20 ms frames: decibels below full scale. */
export function judged(samples: Float32Array, rate: number): Heard {
  const length = Math.round(rate * 0.02);
  const levels: number[] = [];
  let cut = 0;
  for (let at = 0; at + length <= samples.length; at += length) {
    let power = 0;
    for (let it = at; it < at + length; it++) {
      const sample = samples[it]!;
      power += sample * sample;
      if (Math.abs(sample) > 0.99) cut++;
    }
    levels.push(10 * Math.log10(power / length + 1e-10));
  }
  levels.sort((a, b) => a - b);
  const at = (share: number) => levels[Math.floor(share * (levels.length - 1))] ?? -100;
  const [noise, speech] = [at(0.1), at(0.9)];
  if (cut > 20) return 'loud';
  if (speech < -50) return 'quiet';
  return speech - noise < 15 ? 'noisy' : 'good';
}
