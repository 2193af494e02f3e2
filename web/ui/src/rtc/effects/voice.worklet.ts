// RNNoise on the audio thread: 480 samples at a time, while the browser hands over 128.

interface Rnnoise {
  readonly memory: WebAssembly.Memory;
  __wasm_call_ctors(): void;
  malloc(bytes: number): number;
  rnnoise_create(model: number): number;
  rnnoise_process_frame(state: number, out: number, input: number): number;
}

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new (options: { processorOptions: { module: WebAssembly.Module } }) => AudioWorkletProcessor): void;

const frame = 480;
/** RNNoise wants samples as 16-bit integers would be. */
const scale = 32_768;

class Voice extends AudioWorkletProcessor {
  readonly #rnnoise: Rnnoise;
  readonly #state: number;
  readonly #at: number;
  readonly #out = new Float32Array(frame);
  #filled = 0;
  #ended = false;

  constructor({ processorOptions }: { processorOptions: { module: WebAssembly.Module } }) {
    super();
    const env = {
      // Its memory is large enough from the start; nothing grows.
      emscripten_resize_heap: () => 0,
      emscripten_memcpy_big: (to: number, from: number, n: number) => {
        new Uint8Array(this.#rnnoise.memory.buffer).copyWithin(to, from, from + n);
      },
      __assert_fail: () => {
        throw new Error('RNNoise: an assertion failed');
      },
    };
    this.#rnnoise = new WebAssembly.Instance(processorOptions.module, { env }).exports as unknown as Rnnoise;
    this.#rnnoise.__wasm_call_ctors();
    this.#state = this.#rnnoise.rnnoise_create(0);
    this.#at = this.#rnnoise.malloc(frame * 4);
    this.port.onmessage = () => {
      this.#ended = true;
    };
  }

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const input = inputs[0]?.[0];
    const output = outputs[0]?.[0];
    if (this.#ended || !output) return !this.#ended;
    const samples = new Float32Array(this.#rnnoise.memory.buffer, this.#at, frame);
    for (let i = 0; i < output.length; i++) {
      output[i] = this.#out[this.#filled] ?? 0;
      samples[this.#filled] = (input?.[i] ?? 0) * scale;
      if (++this.#filled < frame) continue;
      this.#filled = 0;
      this.#rnnoise.rnnoise_process_frame(this.#state, this.#at, this.#at);
      for (let k = 0; k < frame; k++) this.#out[k] = (samples[k] ?? 0) / scale;
    }
    return true;
  }
}

registerProcessor('meetbox-voice', Voice);
