// The words of what is loaded when the meeting has begun. Whoever imports this waits until they are
// there in the language of the page.

import en from './together/en.json';
import { join } from './i18n.ts';
import { words } from './words.ts';

export type Key = keyof typeof en;

const together = words<Key>(en, import.meta.glob<Record<string, string>>(['./together/*.json', '!./together/en.json'], { import: 'default' }));

export const tt = together.t;

await join(together);
