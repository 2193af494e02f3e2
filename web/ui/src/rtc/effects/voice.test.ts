import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const rate = 48_000;

interface Processor {
  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}

type Voice = new (options: { processorOptions: { module: WebAssembly.Module } }) => Processor;

/** The processor as the audio thread has it, with the RNNoise that browsers get. */
async function voice(): Promise<() => Processor> {
  const made: Voice[] = [];
  Object.assign(globalThis, {
    AudioWorkletProcessor: class {
      readonly port = { onmessage: null };
    },
    registerProcessor: (_name: string, processor: Voice) => made.push(processor),
  });
  const worklet = './voice.worklet.ts'; // a script, and so no module to be imported by name
  await import(worklet);
  const [Registered] = made;
  if (!Registered) throw new Error('nothing was registered');
  const wasm = await readFile(fileURLToPath(import.meta.resolve('@sapphi-red/web-noise-suppressor/rnnoise_simd.wasm')));
  const module = await WebAssembly.compile(wasm);
  return () => new Registered({ processorOptions: { module } });
}

/** How loud the last second of so many is, in dB. */
function level(processor: Processor | null, seconds: number, sample: (i: number) => number): number {
  let sum = 0;
  for (let at = 0; at < seconds * rate; at += 128) {
    const block = Float32Array.from({ length: 128 }, (_, i) => sample(at + i));
    const out = new Float32Array(128);
    processor?.process([[block]], [[out]]);
    if (at >= (seconds - 1) * rate) for (const v of processor ? out : block) sum += v * v;
  }
  return 10 * Math.log10(sum / rate);
}

/** A rumble as of a fan, always the same (Mulberry32). */
function rumble(): () => number {
  let seed = 1;
  let level = 0;
  return () => {
    seed = (seed + 0x6d_2b_79_f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    level = 0.98 * level + ((x ^ (x >>> 14)) >>> 0) / 2 ** 32 - 0.5;
    return level * 0.06;
  };
}

test('a steady noise falls by 12 dB within two seconds, also with gaps in it', async () => {
  const before = level(null, 2, rumble());
  expect(before).toBeGreaterThan(-30);
  const make = await voice();
  expect(level(make(), 2, rumble())).toBeLessThan(before - 12);
  const noise = rumble();
  expect(level(make(), 2, (i) => (i % 24_000 < 480 ? 0 : noise()))).toBeLessThan(before - 12);
});
