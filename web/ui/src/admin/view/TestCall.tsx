import { useState } from 'preact/hooks';
import { Button } from '../../kit/Button.tsx';
import { Facts, Notice, Tag } from '../../kit/Card.tsx';
import type { SelfCall } from '../api.ts';
import { t } from '../words.ts';
import { Problem, useAction, useBox } from './use.tsx';

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
