import { locale } from '../../../i18n/i18n.ts';

/** "in 8 seconds". */
export function inTime(seconds: number): string {
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'always' });
  return seconds < 90 ? format.format(seconds, 'second') : format.format(Math.ceil(seconds / 60), 'minute');
}
