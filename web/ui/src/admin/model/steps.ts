// The order of the setup. The first steps are anybody's with the code from the box's screen; from the
// claim on the owner is signed in, and what is left can be taken up again on another day.

export const steps = ['language', 'owner', 'codes', 'clock', 'network', 'trust', 'test', 'done'] as const;

export type Step = (typeof steps)[number];

/** The step to show: never one that has to wait for the claim, nor one that the claim has behind it. */
export function openStep(wanted: string, claimed: boolean): Step {
  const step = steps.find((s) => s === wanted) ?? 'language';
  const first = steps.indexOf('codes');
  if (!claimed) return steps.indexOf(step) < first ? step : 'language';
  // The codes are shown once: who comes back later goes on behind them.
  return steps.indexOf(step) <= first ? 'clock' : step;
}

export function nextStep(step: Step): Step | null {
  return steps[steps.indexOf(step) + 1] ?? null;
}
