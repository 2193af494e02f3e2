import { useEffect, useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { ago } from '../../../i18n/words.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Facts, Notice, Tag } from '../../../kit/Card.tsx';
import { SwitchField } from '../../../kit/Field.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { Clock, ClockStatus } from '../../api.ts';
import { t } from '../../words.ts';
import { ListField } from '../ListField.tsx';
import { SectionForm } from '../Section.tsx';
import { difference, useBrowserClock } from '../time.ts';
import { Loaded, Page, Problem, useBox, useEditor, useResource } from '../use.tsx';

export function ClockPage() {
  const box = useBox();
  const status = useResource<ClockStatus>('/api/v1/clock', 10_000);
  const section = useEditor<Clock>('/api/v1/settings/clock');
  return (
    <Page title={t('nav.page.clock')} lead={t('clock.lead')}>
      <Card title={t('clock.now')}>
        <Loaded of={status}>
          {(c) => (
            <>
              {c.problem ? (
                <Notice mood="warn">
                  <p>{c.problem}</p>
                </Notice>
              ) : null}
              <Facts
                facts={[
                  [t('clock.box'), <Ticking key="now" skew={box.skew.value} />],
                  [t('clock.source'), <Tag mood={c.trusted ? 'good' : 'warn'}>{t(`clock.source.${c.source}`)}</Tag>],
                  c.set ? [t('clock.set'), ago(Date.parse(c.set), Date.now() - box.skew.value)] : null,
                  [t('clock.rtc'), c.rtc ? t('yes') : t('no')],
                ]}
              />
              {c.servers.length > 0 ? (
                <Table
                  label={t('clock.servers')}
                  rows={c.servers}
                  rowKey={(s) => s.name}
                  empty=""
                  columns={[
                    { key: 'name', title: t('clock.server'), head: true, cell: (s) => <span class="mono">{s.name}</span> },
                    { key: 'heard', title: t('seen'), cell: (s) => (s.heard ? ago(Date.parse(s.heard), Date.now() - box.skew.value) : t('never')) },
                    { key: 'offset', title: t('clock.offset'), cell: (s) => difference(s.offset * 1000) },
                    { key: 'problem', title: t('detail'), cell: (s) => s.problem ?? '' },
                  ]}
                />
              ) : null}
            </>
          )}
        </Loaded>
        {box.may('admin') ? <SetFromBrowser onSet={() => void status.reload()} /> : null}
      </Card>
      <Card title={t('clock.ntp')} text={t('clock.ntp-text')}>
        <SectionForm of={section}>
          {(draft) => (
            <>
              <SwitchField label={t('clock.ask')} on={draft.off !== true} onChange={(on) => section.change({ off: !on })} />
              <ListField label={t('clock.servers')} value={draft.ntp} hint={t('clock.servers-hint')} field="ntp" errors={section.fields.value} onChange={(ntp) => section.change({ ntp })} />
            </>
          )}
        </SectionForm>
      </Card>
    </Page>
  );
}

/** The box's time as it goes on. */
function Ticking({ skew }: { readonly skew: number }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return <>{date(Date.now() - skew, 'second')}</>;
}

/** How far the box and this browser are apart, and the way to end it. */
export function SetFromBrowser({ onSet }: { readonly onSet?: () => void }) {
  const clock = useBrowserClock();
  const far = Math.abs(clock.skew) >= 2000;
  return (
    <div class="stack">
      <Notice
        mood={far ? 'warn' : 'good'}
        action={
          far ? (
            <Button disabled={clock.act.busy.value} onClick={() => void clock.set().then((done) => done && onSet?.())}>
              {t('clock.set-browser')}
            </Button>
          ) : undefined
        }
      >
        <p>{far ? t('clock.differs', { by: difference(clock.skew) }) : t('clock.agrees')}</p>
      </Notice>
      <Problem of={clock.act} />
    </div>
  );
}
