import { useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Facts, Progress, Tag } from '../../../kit/Card.tsx';
import { SwitchField } from '../../../kit/Field.tsx';
import { FileField } from '../../../kit/Fields.tsx';
import type { Update } from '../../api.ts';
import { t } from '../../words.ts';
import { PeopleNow } from '../PeopleNow.tsx';
import { Loaded, Page, Problem, useAction, useBox, useResource } from '../use.tsx';

const phases = ['receiving', 'writing', 'restarting', 'trial'] as const;

export function UpdatePage() {
  const box = useBox();
  const update = useResource<Update>('/api/v1/update', 2000);
  return (
    <Page title={t('nav.page.update')} lead={t('update.lead')}>
      <Loaded of={update}>
        {(u) => (
          <>
            <Card title={t('update.running')}>
              <Facts
                facts={[
                  [t('overview.version'), u.running.version],
                  u.slot === '' ? null : [t('update.slot'), u.slot.toUpperCase()],
                  u.last
                    ? [
                        t('update.last'),
                        <span class="service" key="last">
                          <Tag mood={u.last.ok ? 'good' : 'bad'}>{u.last.ok ? t('update.done') : t('update.failed')}</Tag>
                          <span>
                            {u.last.release.version}, {date(u.last.at)}
                            {u.last.ok ? '' : `: ${u.last.reason}`}
                          </span>
                        </span>,
                      ]
                    : null,
                  u.keys.length > 0 ? [t('update.keys'), <span class="mono">{u.keys.join(' ')}</span>] : null,
                ]}
              />
            </Card>
            {u.phase === 'idle' ? null : <UnderWay update={u} />}
          </>
        )}
      </Loaded>
      {box.may('admin') ? <Install phase={update.data.value?.phase ?? 'idle'} reload={update.reload} /> : null}
    </Page>
  );
}

function UnderWay({ update }: { readonly update: Update }) {
  const now = phases.findIndex((p) => p === update.phase);
  return (
    <Card title={t('update.under-way', { version: update.next?.version ?? '' })}>
      <ol class="stack">
        {phases.map((phase, i) => (
          <li key={phase} class="service" aria-current={i === now ? 'step' : undefined}>
            <Tag mood={i < now ? 'good' : i === now ? 'warn' : 'calm'}>{t(`update.phase.${phase}`)}</Tag>
          </li>
        ))}
      </ol>
      {update.total > 0 ? <Progress label={t(`update.phase.${update.phase}`)} value={update.done / update.total} /> : null}
      {update.detail ? <p class="soft">{update.detail}</p> : null}
    </Card>
  );
}

function Install({ phase, reload }: { readonly phase: string; readonly reload: () => Promise<void> }) {
  const { client } = useBox();
  const act = useAction();
  const [file, setFile] = useState<File | null>(null);
  const [force, setForce] = useState(false);
  const [sent, setSent] = useState(0);
  const go = async (event: Event) => {
    event.preventDefault();
    if (!file) return;
    setSent(0);
    if (await act.run(() => client.send('POST', force ? '/api/v1/update?force=true' : '/api/v1/update', file, { onProgress: setSent }))) setFile(null);
    void reload();
  };
  const idle = phase === 'idle' && !act.busy.value;
  return (
    <Card title={t('update.new')} text={t('update.new-text')}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <FileField label={t('update.file')} choose={t('file.choose')} none={t('file.none')} accept=".update" file={file} disabled={!idle} onFile={setFile} />
        <PeopleNow />
        <SwitchField label={t('update.force')} hint={t('update.force-hint')} on={force} disabled={!idle} onChange={setForce} />
        {act.busy.value ? <Progress label={t('update.sending')} value={sent} /> : null}
        <Problem of={act} />
        <div class="buttons">
          <Button kind="primary" type="submit" disabled={!idle || !file}>
            {t('update.install')}
          </Button>
        </div>
      </form>
    </Card>
  );
}
