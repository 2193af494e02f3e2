import { useState } from 'preact/hooks';
import { bytes } from '../../../i18n/format.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card } from '../../../kit/Card.tsx';
import { SwitchField } from '../../../kit/Field.tsx';
import { Tool } from '../../../kit/tools.tsx';
import type { Support, SupportFile } from '../../api.ts';
import { t } from '../../words.ts';
import { Problem, useAction, useBox } from '../use.tsx';

/** One file for somebody who helps, after whoever sends it has seen what is in it. */
export function SupportCard() {
  const { client } = useBox();
  const act = useAction();
  const [files, setFiles] = useState<readonly SupportFile[] | null>(null);
  const [without, setWithout] = useState<ReadonlySet<string>>(new Set());
  const look = () => act.run(async () => setFiles((await client.get<Support>('/api/v1/support')).data.files));
  const choose = (name: string, on: boolean) => {
    const next = new Set(without);
    if (on) next.delete(name);
    else next.add(name);
    setWithout(next);
  };
  const query = without.size > 0 ? `?${new URLSearchParams({ without: [...without].join(',') })}` : '';
  return (
    <Card title={t('support.title')} text={t('support.text')}>
      <Problem of={act} />
      {files ? (
        <>
          <ul class="stack">
            {files.map((f) => (
              <li key={f.name}>
                <SwitchField label={f.name} hint={bytes(f.size)} on={!without.has(f.name)} onChange={(on) => choose(f.name, on)} />
                <details>
                  <summary>{t('support.inside', { name: f.name })}</summary>
                  {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also for who has only a keyboard */}
                  <section class="log" tabIndex={0} aria-label={f.name}>
                    <pre>{f.text}</pre>
                  </section>
                </details>
              </li>
            ))}
          </ul>
          <div class="buttons">
            <a class="button button-primary" href={`/api/v1/support.zip${query}`} download="meetbox-support.zip">
              <Tool name="download" size={18} />
              {t('support.download', { n: files.length - without.size })}
            </a>
          </div>
        </>
      ) : (
        <div class="buttons">
          <Button disabled={act.busy.value} onClick={() => void look()}>
            {t('support.look')}
          </Button>
        </div>
      )}
    </Card>
  );
}
