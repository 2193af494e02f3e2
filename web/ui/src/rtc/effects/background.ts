// Another background behind a person, found by a small network (MediaPipe) in a worker. What goes in
// and out are frames: where the browser hands them out, the worker takes them itself; elsewhere the
// page feeds it from a video element and it draws on a canvas.

import loader from '@mediapipe/tasks-vision/vision_wasm_module_internal.js?url';
import wasm from '@mediapipe/tasks-vision/vision_wasm_module_internal.wasm?url';
import model from '../../../node_modules/@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite?url';
import type { Treated } from '../input.ts';
import { pictureOf } from './pictures.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

/** Frames of a camera track in a stream (W3C mediacapture-transform, Chromium's form of it). */
interface BreakoutBox {
  readonly MediaStreamTrackProcessor?: new (options: { track: MediaStreamTrack; maxBufferSize?: number }) => { readonly readable: ReadableStream };
  readonly MediaStreamTrackGenerator?: new (options: { kind: 'video' }) => MediaStreamTrack & { readonly writable: WritableStream };
}

const absolute = (url: string) => new URL(url, location.href).href;

/** The camera's picture with a blurred or another background. Rejects when the effect cannot be loaded. */
export async function withBackground(raw: MediaStreamTrack, what: string): Promise<Treated> {
  const picture = await pictureOf(what);
  const worker = new Worker(new URL('./background.worker.ts', import.meta.url), { type: 'module' });
  const say = (message: ToWorker, transfer: Transferable[] = []) => worker.postMessage(message, transfer);
  const heard = (kind: FromWorker['kind']) =>
    new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === kind) resolve();
        if (data.kind === 'failed') reject(new Error(`the background: ${data.why}`));
      };
      worker.onerror = (event) => reject(new Error(`the background: ${event.message}`));
    });
  try {
    const ready = heard('ready');
    say({ kind: 'load', loader: absolute(loader), wasm: absolute(wasm), model: absolute(model), blur: what === 'blur', picture }, picture ? [picture] : []);
    await ready;
    const first = heard('frame');
    const feed = streamed(raw, say) ?? (await drawn(raw, worker, say));
    await first;
    feed.begin();
    return {
      track: feed.track,
      stop() {
        feed.stop();
        worker.terminate();
      },
    };
  } catch (err) {
    worker.terminate();
    throw err;
  }
}

interface Feed {
  readonly track: MediaStreamTrack;
  begin(): void;
  stop(): void;
}

type Say = (message: ToWorker, transfer?: Transferable[]) => void;

function streamed(raw: MediaStreamTrack, say: Say): Feed | null {
  const { MediaStreamTrackProcessor, MediaStreamTrackGenerator } = globalThis as BreakoutBox;
  if (!MediaStreamTrackProcessor || !MediaStreamTrackGenerator) return null;
  const copy = raw.clone();
  const { readable } = new MediaStreamTrackProcessor({ track: copy, maxBufferSize: 1 });
  const track = new MediaStreamTrackGenerator({ kind: 'video' });
  say({ kind: 'streams', readable, writable: track.writable }, [readable, track.writable]);
  return {
    track,
    begin: () => undefined,
    stop() {
      copy.stop();
      track.stop();
    },
  };
}

async function drawn(raw: MediaStreamTrack, worker: Worker, say: Say): Promise<Feed> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([raw]);
  await video.play();
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const [track] = canvas.captureStream(30).getVideoTracks();
  if (!track) throw new Error('the background: no track came out');
  const offscreen = canvas.transferControlToOffscreen();
  say({ kind: 'canvas', canvas: offscreen }, [offscreen]);
  let over = false;
  // One frame is under way at a time: a slow machine has fewer pictures, not late ones.
  const next = async () => {
    if (over) return;
    const bitmap = await createImageBitmap(video);
    say({ kind: 'picture', bitmap }, [bitmap]);
  };
  await next();
  return {
    track,
    begin() {
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === 'frame') void next().catch(() => undefined);
      };
      void next().catch(() => undefined);
    },
    stop() {
      over = true;
      track.stop();
      video.srcObject = null;
    },
  };
}
