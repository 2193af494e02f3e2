// Finds the person in each frame and puts them before another background. Nothing here leaves the
// worker but the finished picture.

import { ImageSegmenter } from '@mediapipe/tasks-vision';
import { createCompositor, type Compositor } from './compositor.ts';
import { withNormalization } from './metadata.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

/** What the network looks at. */
const seen = { width: 256, height: 144 };

const say = (message: FromWorker) => postMessage(message);
const failed = (err: unknown) => say({ kind: 'failed', why: String(err) });

let compositor: Compositor | null = null;
let canvas: OffscreenCanvas | null = null;

onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.kind) {
    case 'load':
      load(data).then(() => say({ kind: 'ready' }), failed);
      return;
    case 'streams':
      pump(data.readable, data.writable).catch(failed);
      return;
    case 'canvas':
      ({ canvas } = data);
      return;
    case 'picture':
      if (canvas) compositor?.draw(data.bitmap, canvas, performance.now());
      data.bitmap.close();
      say({ kind: 'frame' });
  }
};

async function load(from: Extract<ToWorker, { kind: 'load' }>): Promise<void> {
  const answer = await fetch(from.model);
  if (!answer.ok) throw new Error(`the model is not there (${answer.status})`);
  const model = new Uint8Array(await answer.arrayBuffer());
  const segmenter = await ImageSegmenter.createFromOptions(
    { wasmLoaderPath: from.loader, wasmBinaryPath: from.wasm },
    {
      // The network takes values from 0 to 1.
      baseOptions: { modelAssetBuffer: withNormalization(model, 0, 255), delegate: 'CPU' },
      runningMode: 'VIDEO',
      outputConfidenceMasks: true,
      outputCategoryMask: false,
    },
  );
  compositor = createCompositor({
    seen,
    blur: from.blur,
    picture: from.picture,
    find(picture, time, take) {
      segmenter.segmentForVideo(picture, time, (result) => {
        const mask = result.confidenceMasks?.[0];
        if (mask) take(mask.getAsFloat32Array());
      });
    },
  });
}

async function pump(readable: ReadableStream, writable: WritableStream): Promise<void> {
  const reader = (readable as ReadableStream<VideoFrame>).getReader();
  const writer = (writable as WritableStream<VideoFrame>).getWriter();
  const out = new OffscreenCanvas(2, 2);
  for (;;) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    const { timestamp } = frame;
    try {
      compositor?.draw(frame, out, performance.now());
    } finally {
      frame.close();
    }
    await writer.write(new VideoFrame(out, { timestamp }));
    say({ kind: 'frame' });
  }
}
