import { expect, test } from 'vitest';
import { judged, sixteenBits, wav } from '../src/take/microphone';

const RATE = 16000;

/** Two seconds: a tone in the middle half, noise everywhere. */
function spoken(tone: number, noise: number): Float32Array {
  let seed = 1;
  return Float32Array.from({ length: 2 * RATE }, (_, it) => {
    seed = (seed * 16807) % 2147483647;
    const speaks = it > RATE / 2 && it < 1.5 * RATE;
    return (speaks ? tone * Math.sin(it / 5) : 0) + noise * ((2 * seed) / 2147483647 - 1);
  });
}

test('speech in a quiet room is heard well; a whisper, a shout and a noisy room are told', () => {
  expect(judged(spoken(0.2, 0.001), RATE)).toBe('good');
  expect(judged(spoken(0.002, 0.0001), RATE)).toBe('quiet');
  expect(judged(spoken(1.4, 0.001), RATE)).toBe('loud');
  expect(judged(spoken(0.2, 0.1), RATE)).toBe('noisy');
});

test('a WAV file holds the samples as they were, cut at full scale', async () => {
  const blocks = [sixteenBits(Float32Array.of(0, 0.5, 1)), sixteenBits(Float32Array.of(-1.5))];
  const bytes = new DataView(await wav(blocks, RATE).arrayBuffer());
  const word = (at: number) => String.fromCharCode(...[0, 1, 2, 3].map((it) => bytes.getUint8(at + it)));
  expect([word(0), word(8), word(36), bytes.byteLength]).toEqual(['RIFF', 'WAVE', 'data', 52]);
  expect([bytes.getUint32(4, true), bytes.getUint32(24, true), bytes.getUint32(40, true)]).toEqual([44, RATE, 8]);
  expect([44, 46, 48, 50].map((it) => bytes.getInt16(it, true))).toEqual([0, 16384, 32767, -32768]);
});
