import { Notice } from '../../kit/Card.tsx';
import type { Meetings } from '../api.ts';
import { t } from '../words.ts';
import { useResource } from './use.tsx';

/** How many people would notice. */
export function PeopleNow() {
  const meetings = useResource<Meetings>('/api/v1/meetings', 5000).data.value;
  if (!meetings) return null;
  const { people } = meetings;
  return (
    <Notice mood={people > 0 ? 'warn' : 'good'} live>
      <p>{t('people-now', { n: people })}</p>
    </Notice>
  );
}
