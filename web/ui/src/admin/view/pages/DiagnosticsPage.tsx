import { useEffect, useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card, type Mood, Notice, Tag } from '../../../kit/Card.tsx';
import type { Check, CheckState, Diagnostics } from '../../api.ts';
import { known, t } from '../../words.ts';
import { TestCall } from '../TestCall.tsx';
import { Page, Problem, useAction, useBox } from '../use.tsx';
import { HardwareCard } from './HardwareCard.tsx';
import { SupportCard } from './SupportCard.tsx';

const moods: Readonly<Record<CheckState, Mood>> = { ok: 'good', broken: 'bad', unclear: 'warn', skipped: 'calm' };

export function DiagnosticsPage() {
  const box = useBox();
  const { client } = box;
  const act = useAction();
  const [found, setFound] = useState<Diagnostics | null>(null);
  const look = () =>
    act.run(async () => {
      setFound((await client.send<Diagnostics>('POST', '/api/v1/diagnostics?call=false')).data);
    });
  useEffect(() => void look(), []);
  return (
    <Page title={t('nav.page.diagnostics')} lead={t('diagnostics.lead')}>
      <Problem of={act} />
      {found ? <Outcome of={found} /> : <p class={act.busy.value ? 'loading' : 'soft'}>{act.busy.value ? t('diagnostics.running') : ''}</p>}
      <Card
        title={t('diagnostics.chain')}
        aside={
          <Button disabled={act.busy.value} onClick={() => void look()}>
            {t('diagnostics.run')}
          </Button>
        }
      >
        <ol class="chain">
          {(found?.checks ?? []).map((c) => (
            <Link key={c.name} of={c} />
          ))}
        </ol>
      </Card>
      <Card title={t('test-call.title')} text={t('test-call.text')}>
        <TestCall />
      </Card>
      <HardwareCard />
      {box.may('admin') ? <SupportCard /> : null}
    </Page>
  );
}

function Outcome({ of }: { readonly of: Diagnostics }) {
  if (of.broken === '') {
    return (
      <Notice mood="good" live>
        <p>{t('diagnostics.fine')}</p>
      </Notice>
    );
  }
  const check = of.checks.find((c) => c.name === of.broken);
  return (
    <Notice mood="bad" live title={t('diagnostics.broken', { name: known('check', of.broken) })}>
      <p>{check?.text}</p>
      {check?.advice ? <p>{check.advice}</p> : null}
    </Notice>
  );
}

function Link({ of }: { readonly of: Check }) {
  return (
    <li>
      <Tag mood={moods[of.state]}>{t(`check.state.${of.state}`)}</Tag>
      <div>
        <p class="chain-name">{known('check', of.name)}</p>
        <p class="soft">{of.text}</p>
        {of.advice ? <p>{of.advice}</p> : null}
      </div>
    </li>
  );
}
