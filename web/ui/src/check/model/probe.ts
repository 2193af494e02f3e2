// One thing that /check tries, and what all of them together mean.

import { signal, type ReadonlySignal } from '@preact/signals-core';

/** What became of it: works, works with a drawback, does not work, was not tried. */
export type Outcome = 'good' | 'warn' | 'bad' | 'skipped';

export interface Result {
  readonly outcome: Outcome;
  /** Short, for the telephone; it has a sentence of its own. */
  readonly code: Code;
  /** Numbers, for the administrator. */
  readonly detail?: string;
  /** For the sentence. */
  readonly values?: Readonly<Record<string, string | number>>;
}

/** Every result that there is, by the probe's name. The letter says which probe, the number what became of it. */
export const codes = {
  https: ['H00', 'H09'],
  trust: ['T00', 'T01', 'T05'],
  clock: ['C00', 'C01', 'C05'],
  name: ['N00', 'N01', 'N02', 'N05'],
  socket: ['W00', 'W01', 'W05'],
  bosh: ['B00', 'B01', 'B02', 'B05'],
  stun: ['S00', 'S01', 'S05'],
  turn: ['R00', 'R01', 'R05'],
  call: ['K00', 'K01', 'K02', 'K08', 'K09'],
  channel: ['D00', 'D01', 'D05'],
  media: ['M00', 'M01', 'M02', 'M05', 'M09'],
  camera: ['V00', 'V01', 'V02', 'V03', 'V05'],
  microphone: ['A00', 'A01', 'A02', 'A03', 'A04', 'A05'],
  speaker: ['P00', 'P01', 'P05'],
  browser: ['X00', 'X01', 'X09'],
} as const;

export type ProbeName = keyof typeof codes;
export type Code = (typeof codes)[ProbeName][number];

export const probeNames = Object.keys(codes) as readonly ProbeName[];

export interface Probe {
  readonly name: ProbeName;
  readonly busy: ReadonlySignal<boolean>;
  /** null until it was tried. */
  readonly result: ReadonlySignal<Result | null>;
  run(work: () => Promise<Result>): Promise<Result | null>;
  set(result: Result): void;
  clear(): void;
}

/** No probe takes longer than this (ms), whatever it waits for: the page always comes to its end. */
const most = 90_000;

function within<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer after ${most / 1000} s`)), most);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** failed: what it means when a probe itself breaks. */
export function probe(name: ProbeName, failed: Result): Probe {
  const busy = signal(false);
  const result = signal<Result | null>(null);
  return {
    name,
    busy,
    result,
    set: (r) => {
      result.value = r;
    },
    clear: () => {
      result.value = null;
    },
    run: async (work) => {
      busy.value = true;
      try {
        result.value = await within(work());
      } catch (error) {
        result.value = { ...failed, detail: String(error).slice(0, 200) };
      } finally {
        busy.value = false;
      }
      return result.value;
    },
  };
}

export interface Verdict {
  readonly outcome: 'good' | 'warn' | 'bad';
  /** "OK", or the code of the worst result, the first of its kind. */
  readonly code: Code | 'OK';
  readonly result: Result | null;
}

/** What it all means: the first that does not work, else the first drawback. */
export function verdict(results: readonly (Result | null)[]): Verdict {
  for (const outcome of ['bad', 'warn'] as const) {
    const found = results.find((r) => r?.outcome === outcome);
    if (found) return { outcome, code: found.code, result: found };
  }
  return { outcome: 'good', code: 'OK', result: null };
}
