import { useState } from 'preact/hooks';
import { bytes } from '../../../i18n/format.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Notice, Progress } from '../../../kit/Card.tsx';
import type { Install, InstallDisk } from '../../api.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { useBox, useResource } from '../use.tsx';

interface InstallCardProps {
  /** Shown only to who runs the box from a stick. */
  readonly fromStick?: boolean;
}

/** Onto a disk of the machine, while the box runs from the stick that it was written to. */
export function InstallCard({ fromStick }: InstallCardProps) {
  const { client } = useBox();
  const state = useResource<Install>('/api/v1/install', 3000);
  const [disk, setDisk] = useState<InstallDisk | null>(null);
  const now = state.data.value;
  if (!now || (now.disks.length === 0 && now.phase === 'idle') || (fromStick && !now.stick)) return null;
  return (
    <Card title={t('install.title')} text={t('install.text')}>
      {now.phase === 'writing' ? <Progress label={t('install.writing')} value={now.total > 0 ? now.done / now.total : 0} /> : null}
      {now.phase === 'done' ? (
        <Notice mood="good" live>
          <p>{t('install.done')}</p>
        </Notice>
      ) : null}
      {now.phase === 'failed' ? (
        <Notice mood="bad" live>
          <p>{now.error}</p>
        </Notice>
      ) : null}
      <ul class="stack">
        {now.disks.map((d) => (
          <li key={d.name} class="service">
            <Button disabled={d.refused !== undefined || now.phase === 'writing'} onClick={() => setDisk(d)}>
              {t('install.on', { name: d.model || d.name, size: bytes(d.size) })}
            </Button>
            {d.refused ? <span class="soft">{d.refused}</span> : null}
          </li>
        ))}
      </ul>
      {disk ? (
        <Confirm
          title={t('install.title')}
          text={<p>{t('install.sure', { name: disk.model || disk.name })}</p>}
          label={t('install.do')}
          type={disk.confirm ?? disk.name}
          people
          act={() => client.send('POST', '/api/v1/install', { disk: disk.name, confirm: disk.confirm ?? disk.name })}
          onClose={() => setDisk(null)}
        />
      ) : null}
    </Card>
  );
}
