// Writes pictures and sounds into one file on this machine, while they last.

import { running } from './effects/running.ts';
import { fitted, places, type Box } from './scene.ts';

/** A picture in the recording. */
export interface Shot {
  readonly id: string;
  readonly name: string;
  readonly stream: MediaStream | null;
  readonly screen: boolean;
}

export interface RecorderOptions {
  /** What is to be seen now; asked for each frame. */
  shots(): readonly Shot[];
  /** What is to be heard now, by id. */
  sounds(): ReadonlyMap<string, MediaStream>;
  /** File name without its ending. */
  readonly name: string;
  /** The file is there; the first frame comes next. */
  begins(): void;
  /** It could not be written any further; what there is has been kept as far as possible. */
  failed(): void;
}

export interface Recorder {
  /** Ends the file. */
  stop(): Promise<void>;
}

/** Where the parts of a file go. */
interface Sink {
  write(part: Blob): Promise<void>;
  close(): Promise<void>;
}

interface FilePicker {
  showSaveFilePicker?(options: { suggestedName: string; types: { accept: Record<string, string[]> }[] }): Promise<{
    createWritable(): Promise<{ write(part: Blob): Promise<void>; close(): Promise<void> }>;
  }>;
}

const size = { width: 1280, height: 720 };
const frameRate = 20;
/** A part a second: so much is lost at most when the machine dies. */
const partLength = 1000;

const kinds = [
  { type: 'video/webm;codecs=vp8,opus', ending: 'webm' },
  { type: 'video/webm', ending: 'webm' },
  { type: 'video/mp4', ending: 'mp4' },
] as const;

function kind() {
  return typeof MediaRecorder === 'undefined' ? undefined : kinds.find((k) => MediaRecorder.isTypeSupported(k.type));
}

/** Whether this browser records at all. */
export function canRecord(): boolean {
  return kind() !== undefined;
}

/** A file that the person chooses, or a download where the browser cannot write one. Null: they chose none. */
async function openSink(name: string, ending: string, type: string): Promise<Sink | null> {
  const { showSaveFilePicker } = globalThis as FilePicker;
  const file = `${name}.${ending}`;
  if (showSaveFilePicker) {
    try {
      const handle = await showSaveFilePicker({ suggestedName: file, types: [{ accept: { [type]: [`.${ending}`] } }] });
      return await handle.createWritable();
    } catch (err) {
      if (err instanceof DOMException && err.name === 'AbortError') return null;
      throw err;
    }
  }
  const parts: Blob[] = [];
  return {
    write: async (part) => void parts.push(part),
    close: async () => {
      const url = URL.createObjectURL(new Blob(parts, { type }));
      const link = document.createElement('a');
      link.href = url;
      link.download = file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    },
  };
}

/** Starts a recording. Null: the person chose no file. */
export async function record(options: RecorderOptions): Promise<Recorder | null> {
  const chosen = kind();
  if (!chosen) throw new Error('this browser records nothing');
  const sink = await openSink(options.name, chosen.ending, chosen.type.replace(/;.*/, ''));
  if (!sink) return null;
  options.begins();

  const film = createFilm(options.shots);
  const mixer = createMixer(options.sounds);
  const recorder = new MediaRecorder(new MediaStream([...film.tracks, ...mixer.tracks]), {
    mimeType: chosen.type,
    videoBitsPerSecond: 2_500_000,
    audioBitsPerSecond: 96_000,
  });
  let writing: Promise<void> = Promise.resolve();
  let broken = false;
  recorder.ondataavailable = ({ data }) => {
    if (data.size === 0 || broken) return;
    writing = writing
      .then(() => sink.write(data))
      .catch(() => {
        if (broken) return;
        broken = true;
        options.failed();
      });
  };
  const ended = new Promise<void>((resolve) => {
    recorder.onstop = () => resolve();
  });
  recorder.onerror = () => options.failed();
  recorder.start(partLength);
  // A page that is closed takes what is not finished with it.
  const warn = (event: BeforeUnloadEvent) => event.preventDefault();
  addEventListener('beforeunload', warn);
  return {
    async stop() {
      removeEventListener('beforeunload', warn);
      if (recorder.state !== 'inactive') recorder.stop();
      await ended;
      film.stop();
      mixer.stop();
      await writing;
      await sink.close();
    },
  };
}

function createFilm(shots: () => readonly Shot[]): { readonly tracks: MediaStreamTrack[]; stop(): void } {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, size);
  const c = canvas.getContext('2d', { alpha: false });
  if (!c) throw new Error('no 2d context');
  const videos = new Map<MediaStream, HTMLVideoElement>();
  const videoOf = (stream: MediaStream) => {
    let video = videos.get(stream);
    if (!video) {
      video = document.createElement('video');
      video.muted = true;
      video.playsInline = true;
      video.srcObject = stream;
      video.play().catch(() => undefined);
      videos.set(stream, video);
    }
    return video;
  };
  const draw = () => {
    const now = shots();
    c.fillStyle = '#15191a';
    c.fillRect(0, 0, size.width, size.height);
    for (const [i, box] of places(now.map((s) => s.screen), size).entries()) {
      const shot = now[i];
      if (shot) drawShot(c, shot, box, shot.stream ? videoOf(shot.stream) : null);
    }
    for (const [stream, video] of videos) {
      if (now.some((s) => s.stream === stream)) continue;
      video.srcObject = null;
      videos.delete(stream);
    }
  };
  draw();
  const timer = setInterval(draw, 1000 / frameRate);
  const stream = canvas.captureStream(frameRate);
  return {
    tracks: stream.getVideoTracks(),
    stop() {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      for (const video of videos.values()) video.srcObject = null;
    },
  };
}

function drawShot(c: CanvasRenderingContext2D, shot: Shot, box: Box, video: HTMLVideoElement | null): void {
  c.save();
  c.beginPath();
  c.roundRect(box.left, box.top, box.width, box.height, 12);
  c.clip();
  c.fillStyle = '#262d2e';
  c.fillRect(box.left, box.top, box.width, box.height);
  if (video && video.videoWidth > 0) {
    const { left, top, width, height } = fitted({ width: video.videoWidth, height: video.videoHeight }, box, shot.screen);
    c.drawImage(video, left, top, width, height);
  }
  c.font = '500 18px system-ui, sans-serif';
  c.textBaseline = 'middle';
  c.textAlign = 'start';
  const wide = Math.min(c.measureText(shot.name).width, box.width - 40) + 20;
  c.fillStyle = 'rgb(0 0 0 / 55%)';
  c.beginPath();
  c.roundRect(box.left + 10, box.top + box.height - 40, wide, 30, 8);
  c.fill();
  c.fillStyle = '#fff';
  c.fillText(shot.name, box.left + 20, box.top + box.height - 24, box.width - 40);
  c.restore();
}

function createMixer(sounds: () => ReadonlyMap<string, MediaStream>): { readonly tracks: MediaStreamTrack[]; stop(): void } {
  const context = new AudioContext();
  const out = new MediaStreamAudioDestinationNode(context);
  // Silence is a sound, too: without it a recording in which nobody speaks at first has no beginning.
  const silence = new ConstantSourceNode(context, { offset: 0 });
  silence.connect(out);
  silence.start();
  const sources = new Map<string, { readonly stream: MediaStream; readonly node: AudioNode }>();
  const look = () => {
    const now = sounds();
    for (const [id, { stream, node }] of sources) {
      if (now.get(id) === stream) continue;
      node.disconnect();
      sources.delete(id);
    }
    for (const [id, stream] of now) {
      if (sources.has(id) || stream.getAudioTracks().length === 0) continue;
      const node = context.createMediaStreamSource(stream);
      node.connect(out);
      sources.set(id, { stream, node });
    }
  };
  look();
  const timer = setInterval(look, 200);
  running(context);
  return {
    tracks: out.stream.getAudioTracks(),
    stop() {
      clearInterval(timer);
      void context.close().catch(() => undefined);
    },
  };
}
