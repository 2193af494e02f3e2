// Loudness, 0 to 1, of what the microphone hears and of what the bridge sends us.

/** The mean of a block of samples (-1 to 1) as loudness: 0 is silence below -60 dB, 1 is full scale. */
export function loudness(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] ?? 0) ** 2;
  return fromRms(Math.sqrt(sum / Math.max(samples.length, 1)));
}

/** The same from a root mean square, such as the browser's audioLevel. */
export function fromRms(rms: number): number {
  if (!(rms > 0)) return 0;
  const db = 20 * Math.log10(rms);
  return Math.min(1, Math.max(0, (db + 60) / 60));
}

export interface Meter {
  stop(): void;
}

const interval = 100;

/** Measures a local track ten times a second. Needs a page the person has touched; until then it is silent. */
export function meter(track: MediaStreamTrack, onLevel: (level: number) => void): Meter {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    if (context.state !== 'running') void context.resume().catch(() => undefined);
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudness(samples));
  }, interval);
  return {
    stop() {
      clearInterval(timer);
      onLevel(0);
      void context.close().catch(() => undefined);
    },
  };
}

/** How long a sound without a new packet still counts, in ms. */
const fresh = 500;

/** Asks receivers for their loudness ten times a second; a sound that ended is 0. */
export function receiverMeter(receivers: () => Iterable<readonly [string, RTCRtpReceiver]>, onLevels: (levels: ReadonlyMap<string, number>) => void): Meter {
  // COMPAT(safari): its timestamps count from the start of the machine, not from 1970. Only whether
  // one changes says the same everywhere.
  let seen = new Map<string, { readonly timestamp: number; readonly at: number }>();
  const timer = setInterval(() => {
    const levels = new Map<string, number>();
    const now = new Map<string, { readonly timestamp: number; readonly at: number }>();
    for (const [id, receiver] of receivers()) {
      const newest = receiver.getSynchronizationSources()[0];
      const before = seen.get(id);
      if (!newest) {
        levels.set(id, 0);
        continue;
      }
      const last = before?.timestamp === newest.timestamp ? before : { timestamp: newest.timestamp, at: performance.now() };
      now.set(id, last);
      levels.set(id, performance.now() - last.at > fresh ? 0 : fromRms(newest.audioLevel ?? 0));
    }
    seen = now;
    onLevels(levels);
  }, interval);
  return { stop: () => clearInterval(timer) };
}
