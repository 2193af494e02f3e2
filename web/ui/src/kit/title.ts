import { useEffect } from 'preact/hooks';
import { brand, product } from './brand.ts';

/** The tab says which page it is, and of which box; '' is the box's first page. */
export function useTitle(page: string): void {
  const own = brand.value.name || product;
  useEffect(() => {
    document.title = page === '' ? own : `${page} · ${own}`;
  }, [page, own]);
}
