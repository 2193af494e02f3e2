// What is made of local tracks, each loaded when it is first wanted.

import type { Effects } from '../devices.ts';

export const effects: Effects = {
  voice: async (raw) => (await import('./voice.ts')).onlyVoice(raw),
  background: async (raw, what) => (await import('./background.ts')).withBackground(raw, what),
  mix: async (tracks) => (await import('./mix.ts')).mix(tracks),
};
