// A section of the settings under change. What somebody typed is never lost: not by a mistake in it, not by
// another administrator who was faster, not by a box that restarts.

import { computed, type ReadonlySignal, signal } from '@preact/signals-core';
import type { Revision } from '../api.ts';
import { type Client, type FieldErrors, Refused, Unreachable } from './client.ts';
import { differences, type Difference } from './diff.ts';

/** Somebody else changed the section since it was read. */
export interface Conflict {
  readonly by: Revision | null;
  /** Where their version and the draft are not the same. */
  readonly fields: readonly Difference[];
}

export interface Editor<T> {
  /** What the form shows; null until it was read. */
  readonly draft: ReadonlySignal<T | null>;
  readonly saved: ReadonlySignal<T | null>;
  readonly dirty: ReadonlySignal<boolean>;
  readonly saving: ReadonlySignal<boolean>;
  /** What the box said about each field. */
  readonly fields: ReadonlySignal<FieldErrors>;
  /** What it said about the whole. */
  readonly problem: ReadonlySignal<string | null>;
  readonly conflict: ReadonlySignal<Conflict | null>;
  load(): Promise<void>;
  change(part: Partial<T>): void;
  reset(): void;
  /** true when the box took it. */
  save(): Promise<boolean>;
  /** Ends a conflict: the draft over theirs. */
  keepMine(): Promise<boolean>;
  /** Ends a conflict: theirs instead of the draft. */
  takeTheirs(): void;
  /** Leaves the choice for later; the draft stays, and saving it asks again. */
  decideLater(): void;
}

interface Version<T> {
  readonly value: T;
  readonly etag: string;
}

/** propose: where a change is sent that is tried before it is kept, if not to where it is read. */
export function editor<T extends object>(client: Client, path: string, propose?: string): Editor<T> {
  const base = signal<Version<T> | null>(null);
  const draft = signal<T | null>(null);
  const theirs = signal<Version<T> | null>(null);
  const fields = signal<FieldErrors>({});
  const problem = signal<string | null>(null);
  const saving = signal(false);
  const by = signal<Revision | null>(null);

  const read = async (): Promise<Version<T>> => {
    const answer = await client.get<T>(path);
    return { value: answer.data, etag: answer.etag };
  };
  const settle = (version: Version<T>) => {
    base.value = version;
    draft.value = version.value;
    theirs.value = null;
    fields.value = {};
    problem.value = null;
  };
  const explain = async (error: unknown): Promise<void> => {
    if (error instanceof Unreachable) return; // the banner says it
    if (!(error instanceof Refused)) throw error;
    if (error.problem.status === 412) {
      by.value = error.problem.conflict ?? null;
      theirs.value = await read();
      return;
    }
    fields.value = error.fields;
    problem.value = Object.keys(error.fields).length > 0 ? (error.fields[''] ?? null) : error.message;
  };
  const save = async (): Promise<boolean> => {
    const [from, value] = [base.peek(), draft.peek()];
    if (!from || !value || saving.peek()) return false;
    saving.value = true;
    try {
      const answer = await client.send<T | null>(propose === undefined ? 'PUT' : 'POST', propose ?? path, value, { etag: from.etag });
      // What the box made of it, if it says so, else what it has now.
      settle(answer.data && answer.etag !== '' ? { value: answer.data, etag: answer.etag } : await read());
      return true;
    } catch (error) {
      await explain(error);
      return false;
    } finally {
      saving.value = false;
    }
  };

  return {
    draft,
    saved: computed(() => base.value?.value ?? null),
    dirty: computed(() => draft.value !== null && base.value !== null && differences(base.value.value, draft.value).length > 0),
    saving,
    fields,
    problem,
    conflict: computed(() => (theirs.value && draft.value ? { by: by.value, fields: differences(theirs.value.value, draft.value) } : null)),
    load: async () => {
      try {
        const version = await read();
        if (draft.peek() === null || base.peek()?.value === draft.peek()) settle(version);
      } catch (error) {
        await explain(error);
      }
    },
    change: (part) => {
      if (draft.value === null) return;
      draft.value = { ...draft.value, ...part };
      const changed = Object.keys(part);
      fields.value = Object.fromEntries(Object.entries(fields.value).filter(([field]) => !changed.some((c) => field === c || field.startsWith(`${c}.`))));
    },
    reset: () => {
      if (base.value) settle(base.value);
    },
    save,
    keepMine: async () => {
      if (theirs.value) base.value = theirs.value;
      theirs.value = null;
      return await save();
    },
    takeTheirs: () => {
      if (theirs.value) settle(theirs.value);
    },
    decideLater: () => {
      theirs.value = null;
    },
  };
}
