// Asks the box how it presents itself, and colours the page so. Loaded beside the page, which does not
// wait for it.

import { type Brand, brand, type BrandLink } from './brand.ts';
import './brand.css';

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function links(value: unknown): BrandLink[] {
  return (Array.isArray(value) ? (value as unknown[]) : []).flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const link = entry as Record<string, unknown>;
    const [words, url] = [text(link['text']), text(link['url'])];
    // Nothing that a browser would run.
    return words !== '' && /^(?:https?:\/\/|mailto:)/i.test(url) ? [{ text: words, url }] : [];
  });
}

/** Reads the answer; what makes no sense is left out. */
export function parseBrand(value: unknown): Brand {
  const b = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const [accent, logo] = [text(b['accent']), text(b['logo'])];
  return {
    name: text(b['name']),
    accent: /^#[0-9a-f]{6}$/i.test(accent) ? accent : '',
    welcome: text(b['welcome']),
    links: links(b['links']),
    logo: /^\/branding\/\w+\.\w+$/.test(logo) ? logo : '',
  };
}

/** A box that does not answer looks as the product does. */
export async function loadBrand(): Promise<void> {
  const answer = await fetch('/branding.json', { cache: 'no-store' }).catch(() => null);
  if (!answer?.ok) return;
  const now = parseBrand(await answer.json().catch(() => null));
  const root = document.documentElement;
  root.style.setProperty('--brand', now.accent === '' ? null : now.accent);
  root.toggleAttribute('data-brand', now.accent !== '');
  brand.value = now;
}
