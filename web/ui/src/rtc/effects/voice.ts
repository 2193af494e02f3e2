// Nothing but voices, by RNNoise (Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band
// Speech Enhancement", 2018), on the audio thread.
//
// The page's policy lets nothing be compiled here. A worker is a file of its own without a policy of
// a page; it compiles, and a compiled module may be handed on.

import wasm from '@sapphi-red/web-noise-suppressor/rnnoise_simd.wasm?url';
import type { Treated } from '../input.ts';
import type { Compiled } from './compile.worker.ts';
import { running } from './running.ts';
import processor from './voice.worklet.ts?worker&url';

/** RNNoise knows no other rate. */
const sampleRate = 48_000;

let compiled: Promise<WebAssembly.Module> | null = null;

function compile(): Promise<WebAssembly.Module> {
  compiled ??= new Promise<WebAssembly.Module>((resolve, reject) => {
    const worker = new Worker(new URL('./compile.worker.ts', import.meta.url), { type: 'module' });
    const end = (act: () => void) => {
      worker.terminate();
      act();
    };
    worker.onmessage = ({ data }: MessageEvent<Compiled>) =>
      end(() => (typeof data === 'string' ? reject(new Error(`compiling RNNoise: ${data}`)) : resolve(data)));
    worker.onerror = (event) => end(() => reject(new Error(`compiling RNNoise: ${event.message}`)));
    worker.postMessage(new URL(wasm, location.href).href, []);
  });
  compiled.catch(() => (compiled = null));
  return compiled;
}

/** The same sound without noise, 10 ms later. */
export async function onlyVoice(raw: MediaStreamTrack): Promise<Treated> {
  const module = await compile();
  const context = new AudioContext({ sampleRate, latencyHint: 'interactive' });
  try {
    await context.audioWorklet.addModule(processor);
    const node = new AudioWorkletNode(context, 'meetbox-voice', {
      channelCount: 1,
      channelCountMode: 'explicit',
      outputChannelCount: [1],
      processorOptions: { module },
    });
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    context.createMediaStreamSource(new MediaStream([raw])).connect(node).connect(out);
    running(context);
    const [track] = out.stream.getAudioTracks();
    if (!track) throw new Error('suppressing noise: no track came out');
    return {
      track,
      stop() {
        track.stop();
        node.port.postMessage('end', []);
        void context.close().catch(() => undefined);
      },
    };
  } catch (err) {
    void context.close().catch(() => undefined);
    throw err;
  }
}
