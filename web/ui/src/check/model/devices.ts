// Camera, microphone and speaker of this device. The speaker is heard by the microphone: a chirp of one
// pitch, which the browser must not take for an echo.

import { problemOf } from '../../rtc/devices.ts';
import { loudness } from '../../rtc/level.ts';
import type { Code, Result } from './probe.ts';

export async function checkCamera(): Promise<Result> {
  try {
    const stream = await open({ video: true });
    const [track] = stream.getVideoTracks();
    const { width = 0, height = 0 } = track?.getSettings() ?? {};
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    for (const t of stream.getTracks()) t.stop();
    const n = all.filter((d) => d.kind === 'videoinput').length;
    return { outcome: 'good', code: 'V00', detail: `${n} cameras, ${width}×${height}, ${track?.label ?? ''}`.slice(0, 200), values: { name: track?.label || '–' } };
  } catch (error) {
    return refused(error, { missing: 'V01', denied: 'V02', busy: 'V03' });
  }
}

function refused(error: unknown, by: { readonly missing: Code; readonly denied: Code; readonly busy: Code }): Result {
  const problem = problemOf(error);
  return { outcome: 'warn', code: problem === 'missing' ? by.missing : problem === 'denied' ? by.denied : by.busy, detail: String(error).slice(0, 200) };
}

const pitch = 1760;
const listenTime = 2500;
const chirpTime = 1500;
/** Quieter than this is silence: a microphone that is switched off, or the wrong one. */
const audible = 0.02;

/** A person may have to think about the browser's question; a device that hangs is not waited for. */
const patience = 30_000;

function open(constraints: MediaStreamConstraints): Promise<MediaStream> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DOMException('no answer', 'AbortError')), patience);
    navigator.mediaDevices
      .getUserMedia(constraints)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });

/** How much stronger the pitch is than what is beside it, in dB. */
export function prominence(spectrum: ArrayLike<number>, rate: number): number {
  const width = rate / 2 / spectrum.length;
  const at = Math.round(pitch / width);
  const beside: number[] = [];
  for (let i = Math.round(at * 0.8); i < at * 1.2; i++) if (Math.abs(i - at) > 3) beside.push(spectrum[i] ?? -120);
  const noise = beside.reduce((sum, v) => sum + v, 0) / Math.max(1, beside.length);
  return Math.max(spectrum[at - 1] ?? -120, spectrum[at] ?? -120, spectrum[at + 1] ?? -120) - noise;
}

export interface Heard {
  readonly microphone: Result;
  readonly speaker: Result;
}

/** Listens while the person says something, then chirps. onLevel is for a meter, 0 to 1. */
export async function checkSound(onLevel: (level: number) => void): Promise<Heard> {
  let stream: MediaStream;
  try {
    // Echo cancellation would take the chirp away.
    stream = await open({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: true } });
  } catch (error) {
    return { microphone: refused(error, { missing: 'A01', denied: 'A02', busy: 'A03' }), speaker: { outcome: 'skipped', code: 'P05' } };
  }
  const context = new AudioContext();
  try {
    void context.resume().catch(() => undefined); // without a speaker it may never be told
    const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0.5 });
    context.createMediaStreamSource(stream).connect(analyser);
    const label = stream.getAudioTracks()[0]?.label ?? '';
    const loudest = await listen(analyser, listenTime, onLevel);
    const best = await chirp(context, analyser, onLevel);
    const detail = `${label}, level ${loudest.toFixed(2)}`.slice(0, 200);
    const heard = best > 12;
    const microphone: Result = loudest > audible || heard ? { outcome: 'good', code: 'A00', detail, values: { name: label || '–' } } : { outcome: 'warn', code: 'A04', detail, values: { name: label || '–' } };
    return { microphone, speaker: { ...(heard ? { outcome: 'good', code: 'P00' } : { outcome: 'warn', code: 'P01' }), detail: `${Math.round(best)} dB` } };
  } finally {
    for (const t of stream.getTracks()) t.stop();
    onLevel(0);
    void context.close().catch(() => undefined);
  }
}

async function listen(analyser: AnalyserNode, ms: number, onLevel: (level: number) => void): Promise<number> {
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  for (const end = performance.now() + ms; performance.now() < end; await pause(50)) {
    analyser.getFloatTimeDomainData(samples);
    const level = loudness(samples);
    loudest = Math.max(loudest, level);
    onLevel(level);
  }
  return loudest;
}

/** Plays the pitch and says how clearly the microphone heard it. */
async function chirp(context: AudioContext, analyser: AnalyserNode, onLevel: (level: number) => void): Promise<number> {
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setTargetAtTime(0.2, context.currentTime, 0.02);
  const tone = new OscillatorNode(context, { frequency: pitch });
  tone.connect(gain).connect(context.destination);
  tone.start();
  const spectrum = new Float32Array(analyser.frequencyBinCount);
  const samples = new Float32Array(analyser.fftSize);
  let best = 0;
  for (const end = performance.now() + chirpTime; performance.now() < end; await pause(50)) {
    analyser.getFloatFrequencyData(spectrum);
    analyser.getFloatTimeDomainData(samples);
    best = Math.max(best, prominence(spectrum, context.sampleRate));
    onLevel(loudness(samples));
  }
  gain.gain.setTargetAtTime(0, context.currentTime, 0.02);
  tone.stop(context.currentTime + 0.2);
  return best;
}
