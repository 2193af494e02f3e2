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
    if (context.state === 'suspended') void context.resume().catch(() => undefined);
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

/** Asks receivers for their loudness ten times a second; a sound that ended is 0. */
export function receiverMeter(receivers: () => Iterable<readonly [string, RTCRtpReceiver]>, onLevels: (levels: ReadonlyMap<string, number>) => void): Meter {
  const timer = setInterval(() => {
    const levels = new Map<string, number>();
    for (const [id, receiver] of receivers()) {
      const newest = receiver.getSynchronizationSources()[0];
      const stale = !newest || performance.timeOrigin + performance.now() - newest.timestamp > 500;
      levels.set(id, stale ? 0 : fromRms(newest.audioLevel ?? 0));
    }
    onLevels(levels);
  }, interval);
  return { stop: () => clearInterval(timer) };
}
