import { date } from '../../../i18n/format.ts';
import { locale } from '../../../i18n/words.ts';
import type { Planned } from '../../api.ts';
import { t } from '../../words.ts';

/** When a meeting takes place next, by the clocks of its zone. */
export function when(plan: Planned): string {
  if (plan.meeting.repeat === 'always') return t('schedule.always');
  if (!plan.next) return t('schedule.over');
  try {
    const format = new Intl.DateTimeFormat(locale(), { dateStyle: 'full', timeStyle: 'short', timeZone: plan.meeting.zone || 'UTC' });
    return format.formatRange(new Date(plan.next.begin), new Date(plan.next.end));
  } catch {
    return date(plan.next.begin); // a zone that this browser does not know
  }
}
