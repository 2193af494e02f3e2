import { signal } from '@preact/signals';
import type { Meeting } from '../../model/types.ts';

/** The meeting that this page is about, null before there was one. */
export const current = signal<Meeting | null>(null);
