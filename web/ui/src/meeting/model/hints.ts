// What the loudness of a microphone tells: that somebody talks while muted, that there is a steady
// noise, or that nothing arrives at all. Pure; fed ten times a second.

export type Hint = 'talking-muted' | 'noisy' | 'silent';

export interface Hints {
  /** Loudness 0 to 1 at a time in ms. Returns what should be told now. */
  hear(level: number, muted: boolean, time: number): Hint | null;
}

/** Speech near a microphone: -30 dB (see loudness). */
const speech = 0.5;
/** Loud enough to be heard as a noise between words: -38 dB. */
const noise = 0.37;
/** A microphone that works is above this now and then, if only by its own noise: -57 dB. */
const anything = 0.05;

const window = 10_000;
/** This long nothing at all. */
const silence = 6000;
/** A hint stays for so long after its cause. */
const stay = 4000;

export function createHints(): Hints {
  let heard: { level: number; time: number }[] = [];
  let muted: boolean | null = null;
  let since = 0;
  let peak = 0;
  let told: { hint: Hint; until: number } | null = null;

  return {
    hear(level, nowMuted, time) {
      if (nowMuted !== muted) {
        muted = nowMuted;
        since = time;
        heard = [];
        peak = nowMuted ? peak : 0;
        told = null;
      }
      heard = [...heard.filter((h) => time - h.time < window), { level, time }];
      if (muted) {
        const second = heard.filter((h) => time - h.time < 1000);
        // A cough is short.
        if (second.length >= 5 && second.filter((h) => h.level > speech).length >= 4) told = { hint: 'talking-muted', until: time + stay };
      } else {
        peak = Math.max(peak, level);
        const whole = time - since >= window * 0.95;
        // People pause; machines do not.
        if (whole && heard.every((h) => h.level > noise)) told = { hint: 'noisy', until: time + stay };
        else if (peak < anything && time - since >= silence) told = { hint: 'silent', until: time };
      }
      if (told && time > told.until) told = null;
      return told?.hint ?? null;
    },
  };
}
