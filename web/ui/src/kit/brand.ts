// How this box presents itself, where its administrator has said so.

import { signal } from '@preact/signals';

export interface BrandLink {
  readonly text: string;
  readonly url: string;
}

export interface Brand {
  /** '' is the product's own; so it is with everything here. */
  readonly name: string;
  /** #rrggbb */
  readonly accent: string;
  readonly welcome: string;
  readonly links: readonly BrandLink[];
  /** Path of a picture on this box. */
  readonly logo: string;
}

export const product = 'Meetbox';

/** What there is until the box has said otherwise (brandLoad.ts). */
export const brand = signal<Brand>({ name: '', accent: '', welcome: '', links: [], logo: '' });
