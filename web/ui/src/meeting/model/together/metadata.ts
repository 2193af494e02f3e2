// The room's settings as its service tells them: a map, all of it each time.

import { signal, type ReadonlySignal } from '@preact/signals-core';

import { object } from '../../../xmpp/json.ts';
import type { Json, Wire } from '../wire.ts';

export function createMetadata(wire: Wire): ReadonlySignal<Json> {
  const all = signal<Json>({});
  // Who comes into a room whose map is empty is told nothing.
  let told = false;
  wire.onFresh(() => {
    told = false;
  });
  wire.onPush('room_metadata', (body) => {
    told = true;
    all.value = object(body['metadata']);
  });
  wire.onEntered(() => {
    if (!told) all.value = {};
  });
  return all;
}
