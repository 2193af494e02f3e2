// What is open and big in the room that is on screen, for who steers it from elsewhere (embed/host.ts).

import { type Signal, signal } from '@preact/signals';
import type { Tile } from '../../model/layout.ts';
import type { Actions } from './shortcuts.ts';
import type { Panel } from './Toolbar.tsx';

export interface Controls {
  readonly actions: Actions;
  readonly panel: Signal<Panel>;
  readonly pinned: Signal<Tile | null>;
}

/** Null while no room is on screen. */
export const controls = signal<Controls | null>(null);
