import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card, Facts, Notice, Tag } from '../../../kit/Card.tsx';
import type { SelfCall } from '../../api.ts';
import type { Diagnostics } from '../../model/kinds.ts';
import { firstBroken } from '../../model/chain.ts';
import { known, t } from '../../words.ts';
import { Loaded, Page, Problem, useAction, useBox, useResource } from '../use.tsx';

export function DiagnosticsPage() {
  const tree = useResource<Diagnostics>('/api/v1/diagnostics', 10_000);
  return (
    <Page title={t('nav.page.diagnostics')} lead={t('diagnostics.lead')}>
      <Loaded of={tree}>
        {(d) => {
          const broken = firstBroken(d.checks);
          return (
            <>
              {broken ? (
                <Notice mood="bad" title={t('diagnostics.broken', { name: known('check', broken.name) })}>
                  <p>{broken.detail}</p>
                </Notice>
              ) : (
                <Notice mood="good">
                  <p>{t('diagnostics.fine')}</p>
                </Notice>
              )}
              <Card title={t('diagnostics.chain')}>
                <ol class="chain">
                  {d.checks.map((c) => (
                    <li key={c.name}>
                      <Tag mood={c.ok ? 'good' : 'bad'}>{c.ok ? t('service.ok') : t('service.bad')}</Tag>
                      <div>
                        <p class="chain-name">{known('check', c.name)}</p>
                        <p class="soft">{c.detail}</p>
                      </div>
                    </li>
                  ))}
                </ol>
              </Card>
            </>
          );
        }}
      </Loaded>
      <Card title={t('test-call.title')} text={t('test-call.text')}>
        <TestCall />
      </Card>
    </Page>
  );
}

/** A call of the box to itself, through the real bridge. */
export function TestCall({ onGood }: { readonly onGood?: () => void }) {
  const { client } = useBox();
  const act = useAction();
  const [call, setCall] = useState<SelfCall | null>(null);
  const go = () =>
    act.run(async () => {
      setCall(null);
      const { data } = await client.send<SelfCall>('POST', '/api/v1/selfcall');
      setCall(data);
      if (data.ok) onGood?.();
    });
  return (
    <div class="stack">
      <div class="buttons">
        <Button disabled={act.busy.value} onClick={() => void go()}>
          {act.busy.value ? t('test-call.running') : t('test-call.do')}
        </Button>
      </div>
      <Problem of={act} />
      {call ? (
        <>
          <Notice mood={call.ok ? 'good' : 'bad'} live>
            <p>{call.ok ? t('test-call.ok') : call.error}</p>
          </Notice>
          <Facts
            facts={call.steps.map((s) => [
              s.name,
              <span class="service" key={s.name}>
                <Tag mood={s.ok ? 'good' : 'bad'}>{s.ok ? `${s.ms} ms` : t('service.bad')}</Tag>
                <span class="soft">{s.detail}</span>
              </span>,
            ])}
          />
        </>
      ) : null}
    </div>
  );
}
