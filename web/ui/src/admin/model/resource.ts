// Something of the box that a page shows, kept fresh while it is looked at.

import { effect, type ReadonlySignal, signal } from '@preact/signals-core';
import { type Client, Refused, Unreachable } from './client.ts';

export interface Resource<T> {
  /** null until it was read once; what was read last while the box is away. */
  readonly data: ReadonlySignal<T | null>;
  /** Why it cannot be read, in the box's words. */
  readonly problem: ReadonlySignal<string | null>;
  /** The box's word for that, '' without one. */
  readonly code: ReadonlySignal<string>;
  reload(): Promise<void>;
  /** Reads it now, and again every so often and when the box is back, until the returned function is called. */
  open(): () => void;
}

export function resource<T>(client: Client, path: string, every = 0): Resource<T> {
  const data = signal<T | null>(null);
  const problem = signal<string | null>(null);
  const code = signal('');
  let latest = 0;
  const reload = async () => {
    const mine = ++latest;
    try {
      const answer = await client.get<T>(path);
      if (mine !== latest) return;
      data.value = answer.data;
      problem.value = null;
      code.value = '';
    } catch (error) {
      if (mine === latest && error instanceof Refused) {
        problem.value = error.message;
        code.value = error.problem.code;
      } else if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
    }
  };
  return {
    data,
    problem,
    code,
    reload,
    open: () => {
      const stop = effect(() => {
        void client.epoch.value;
        void reload();
      });
      const timer = every > 0 ? setInterval(() => void (client.up.peek() && reload()), every) : undefined;
      return () => {
        clearInterval(timer);
        stop();
      };
    },
  };
}
