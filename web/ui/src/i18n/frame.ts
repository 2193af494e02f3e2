// The words of parts of the meeting page that are loaded when somebody opens them. Whoever imports
// this waits until they are there in the language of the page.

import en from './frame/en.json';
import { join } from './i18n.ts';
import { words } from './words.ts';

export type Key = keyof typeof en;

const frame = words<Key>(en, import.meta.glob<Record<string, string>>(['./frame/*.json', '!./frame/en.json'], { import: 'default' }));

export const tf = frame.t;

await join(frame);
