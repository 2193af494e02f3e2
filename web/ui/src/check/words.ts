import en from '../i18n/check/en.json';
import { words } from '../i18n/words.ts';

export type Key = keyof typeof en;

export const checkWords = words<Key>(en, import.meta.glob<Record<string, string>>(['../i18n/check/*.json', '!../i18n/check/en.json'], { import: 'default' }));

export const { t } = checkWords;
