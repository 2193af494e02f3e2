import { useEffect, useRef, useState } from 'preact/hooks';
import { Card } from '../../../kit/Card.tsx';
import { SelectField, SwitchField, TextField } from '../../../kit/Field.tsx';
import { Tool } from '../../../kit/tools.tsx';
import type { Log } from '../../api.ts';
import { t } from '../../words.ts';
import { Loaded, Page, useResource } from '../use.tsx';

const services = ['appliance', 'signaling', 'focus', 'bridge', 'web'] as const;
const levels = ['debug', 'info', 'warn', 'error'] as const;

export function LogsPage() {
  const [service, setService] = useState('');
  const [level, setLevel] = useState('info');
  const [text, setText] = useState('');
  const [follow, setFollow] = useState(true);
  const query = new URLSearchParams(Object.entries({ service, level, text: text.trim() }).filter(([, v]) => v !== ''));
  const logs = useResource<Log>(`/api/v1/logs?${query}`, follow ? 2000 : 0);
  return (
    <Page
      title={t('nav.page.logs')}
      lead={t('logs.lead')}
      aside={
        <a class="button button-secondary" href={`/api/v1/logs.txt?${query}&limit=5000`} download="meetbox-log.txt">
          <Tool name="download" size={18} />
          {t('download')}
        </a>
      }
    >
      <Card title={t('logs.lines')}>
        <div class="form-row">
          <SelectField label={t('logs.service')} value={service} options={[{ value: '', label: t('all') }, ...services.map((s) => ({ value: s, label: s }))]} onChange={setService} />
          <SelectField label={t('logs.level')} value={level} options={levels.map((l) => ({ value: l, label: t(`logs.level.${l}`) }))} onChange={setLevel} />
          <TextField label={t('filter')} type="search" value={text} onInput={setText} />
        </div>
        <SwitchField label={t('logs.follow')} on={follow} onChange={setFollow} />
        <Loaded of={logs}>{(data) => <Lines log={data} follow={follow} />}</Loaded>
      </Card>
    </Page>
  );
}

function Lines({ log, follow }: { readonly log: Log; readonly follow: boolean }) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    if (follow) element.current?.scrollTo(0, element.current.scrollHeight);
  }, [log, follow]);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also for who has only a keyboard
    <section class="log" ref={element} tabIndex={0} aria-label={t('logs.tail')}>
      {log.lines.length === 0
        ? t('nothing')
        : log.lines.map((l, i) => (
            // oxlint-disable-next-line react/no-array-index-key -- lines have no names
            <div key={i} class={l.level === 'WARN' || l.level === 'ERROR' ? `log-${l.level.toLowerCase()}` : undefined}>
              {(l.at ?? '').replace('T', ' ').replace(/(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/, '')} {l.service} {l.level} {l.text}
            </div>
          ))}
    </section>
  );
}
