import type { Check } from './kinds.ts';

/** The first link of the chain that does not hold: what comes after it may only fail because of it. */
export function firstBroken(checks: readonly Check[]): Check | null {
  return checks.find((c) => !c.ok) ?? null;
}
