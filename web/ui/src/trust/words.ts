import en from '../i18n/trust/en.json';
import { words } from '../i18n/words.ts';

export const trustWords = words<keyof typeof en>(en, import.meta.glob<Record<string, string>>(['../i18n/trust/*.json', '!../i18n/trust/en.json'], { import: 'default' }));

export const { t } = trustWords;
