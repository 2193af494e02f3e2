// In place of use-sync-external-store/shim/with-selector, which Excalidraw brings along: that is no
// ES module, and makes the bundler keep all of Preact in one piece for every page.

import { useSyncExternalStore } from 'preact/compat';
import { useRef } from 'preact/hooks';

/** What a selector takes of a store; the last one while nothing of it has changed. */
function useSyncExternalStoreWithSelector<Store, Part>(
  subscribe: (changed: () => void) => () => void,
  read: () => Store,
  _server: unknown,
  select: (store: Store) => Part,
  same: (a: Part, b: Part) => boolean = Object.is,
): Part {
  const last = useRef<{ readonly part: Part } | null>(null);
  return useSyncExternalStore(subscribe, () => {
    const part = select(read());
    if (!last.current || !same(last.current.part, part)) last.current = { part };
    return last.current.part;
  });
}

export default { useSyncExternalStoreWithSelector };
