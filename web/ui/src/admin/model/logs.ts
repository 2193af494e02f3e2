import type { LogLine } from './kinds.ts';

/** From the least to the most important. */
export const levels = ['debug', 'info', 'warn', 'error'] as const;

/** The lines of at least that level that have all the words in them. */
export function matching(lines: readonly LogLine[], level: (typeof levels)[number], text: string): readonly LogLine[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const least = levels.indexOf(level);
  return lines.filter((l) => levels.indexOf(l.level) >= least && words.every((w) => `${l.service} ${l.text}`.toLowerCase().includes(w)));
}
