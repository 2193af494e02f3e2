import { bytes } from '../../../i18n/format.ts';
import { Card, Facts, Notice, Tag } from '../../../kit/Card.tsx';
import type { Hardware } from '../../api.ts';
import { t } from '../../words.ts';
import { Loaded, useResource } from '../use.tsx';

/** The machine itself: heat, disks, memory, cards. */
export function HardwareCard() {
  const hardware = useResource<Hardware>('/api/v1/hardware', 30_000);
  return (
    <Card title={t('hardware.title')}>
      <Loaded of={hardware}>
        {(h) => (
          <>
            {[...(h.problems ?? []), ...(h.missing ?? [])].map((p) => (
              <Notice key={p} mood="warn">
                <p>{p}</p>
              </Notice>
            ))}
            <Facts
              facts={[
                ...h.temperatures.map((s) => [s.name, <Tag mood={s.limit && s.celsius >= s.limit ? 'bad' : 'good'}>{`${Math.round(s.celsius)} °C`}</Tag>] as const),
                ...h.disks.map((d) => [d.model || d.name, [bytes(d.size), d.wear === undefined ? '' : t('hardware.wear', { n: d.wear }), d.media_errors ? t('hardware.media-errors', { n: d.media_errors }) : '', d.unsafe_off ? t('hardware.unsafe', { n: d.unsafe_off }) : ''].filter(Boolean).join(' · ')] as const),
                [t('hardware.storage'), t('hardware.free', { free: bytes(h.storage.free), size: bytes(h.storage.size) })],
                [t('overview.memory'), t('hardware.free', { free: bytes(h.memory.available), size: bytes(h.memory.size) })],
                ...h.cards.map((c) => [t('hardware.card', { name: c.name }), <Tag mood={c.errors > 0 ? 'warn' : 'good'}>{t('hardware.card-errors', { errors: c.errors, dropped: c.dropped })}</Tag>] as const),
                [t('hardware.boots'), t('hardware.cuts', { n: h.boots.cuts, all: h.boots.count })],
                [t('hardware.watchdog'), h.watchdog ? t('yes') : t('no')],
              ]}
            />
          </>
        )}
      </Loaded>
    </Card>
  );
}
