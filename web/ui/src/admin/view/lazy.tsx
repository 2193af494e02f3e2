import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../words.ts';

/** A page that is loaded when it is opened first. */
export function lazyPage(load: () => Promise<ComponentType>): () => JSX.Element {
  let loaded: ComponentType | null = null;
  return function Lazy() {
    const [, again] = useState(0);
    useEffect(() => {
      if (loaded) return;
      void load().then((page) => {
        loaded = page;
        again((n) => n + 1);
      });
    }, []);
    const Page = loaded;
    return Page ? <Page /> : <p class="loading">{t('loading')}</p>;
  };
}
