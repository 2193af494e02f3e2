import { useEffect } from 'preact/hooks';

// Languages whose usual script goes from right to left, of those that people translate programs to.
const leftward = new Set(['ar', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']);

/** Which way a language is written, by its BCP 47 tag. */
export function directionOf(tag: string): 'ltr' | 'rtl' {
  return leftward.has(tag.toLowerCase().split('-')[0] ?? '') ? 'rtl' : 'ltr';
}

/** Says to browsers and screen readers in which language the page is, and turns it that language's way. */
export function usePageLanguage(tag: string): void {
  useEffect(() => {
    const root = document.documentElement;
    root.lang = tag;
    root.dir = directionOf(tag);
  }, [tag]);
}
