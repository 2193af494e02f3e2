// The words of what people do with their picture and sound: loaded when the meeting has begun.
// Whoever imports this waits until they are there in the language of the page.

import en from './media/en.json';
import { join } from './i18n.ts';
import { words } from './words.ts';

export type MediaKey = keyof typeof en;

const media = words<MediaKey>(en, import.meta.glob<Record<string, string>>(['./media/*.json', '!./media/en.json'], { import: 'default' }));

export const tm = media.t;

await join(media);
