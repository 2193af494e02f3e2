// Something that a button does: at most once at a time, with what went wrong beside it.

import { type ReadonlySignal, signal } from '@preact/signals-core';
import { type FieldErrors, Refused, Unreachable } from './client.ts';

export interface Action {
  readonly busy: ReadonlySignal<boolean>;
  /** What the box said, unless it is about a field. */
  readonly problem: ReadonlySignal<string | null>;
  readonly fields: ReadonlySignal<FieldErrors>;
  /** The box's word for the problem, '' without one. */
  readonly code: ReadonlySignal<string>;
  /** true when it was done. */
  run(work: () => Promise<unknown>): Promise<boolean>;
  clear(): void;
}

export function action(): Action {
  const busy = signal(false);
  const problem = signal<string | null>(null);
  const fields = signal<FieldErrors>({});
  const code = signal('');
  const clear = () => {
    problem.value = null;
    fields.value = {};
    code.value = '';
  };
  return {
    busy,
    problem,
    fields,
    code,
    clear,
    run: async (work) => {
      if (busy.peek()) return false;
      busy.value = true;
      clear();
      try {
        await work();
        return true;
      } catch (error) {
        if (error instanceof Refused) {
          fields.value = error.fields;
          code.value = error.problem.code;
          const named = Object.keys(error.fields).filter((f) => f !== '');
          problem.value = named.length > 0 ? (error.fields[''] ?? null) : error.message;
        } else if (!(error instanceof Unreachable)) {
          throw error;
        }
        return false;
      } finally {
        busy.value = false;
      }
    },
  };
}
