import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Card } from '../../../kit/Card.tsx';
import { SelectField, SwitchField, TextField } from '../../../kit/Field.tsx';
import { Tool } from '../../../kit/tools.tsx';
import type { Logs } from '../../model/kinds.ts';
import { levels, matching } from '../../model/logs.ts';
import { t } from '../../words.ts';
import { Loaded, Page, useResource } from '../use.tsx';

const services = ['appliance', 'signaling', 'focus', 'bridge', 'web'] as const;

export function LogsPage() {
  const [service, setService] = useState('');
  const [level, setLevel] = useState<(typeof levels)[number]>('info');
  const [text, setText] = useState('');
  const [follow, setFollow] = useState(true);
  const query = service === '' ? '' : `?service=${service}`;
  const logs = useResource<Logs>(`/api/v1/logs${query}`, follow ? 2000 : 0);
  return (
    <Page
      title={t('nav.page.logs')}
      lead={t('logs.lead')}
      aside={
        <a class="button button-secondary" href={`/api/v1/logs.txt${query}`} download="meetbox-log.txt">
          <Tool name="download" size={18} />
          {t('download')}
        </a>
      }
    >
      <Card title={t('logs.lines')}>
        <div class="form-row">
          <SelectField label={t('logs.service')} value={service} options={[{ value: '', label: t('all') }, ...services.map((s) => ({ value: s, label: s }))]} onChange={setService} />
          <SelectField label={t('logs.level')} value={level} options={levels.map((l) => ({ value: l, label: t(`logs.level.${l}`) }))} onChange={(l) => setLevel(l as typeof level)} />
          <TextField label={t('filter')} type="search" value={text} onInput={setText} />
        </div>
        <SwitchField label={t('logs.follow')} on={follow} onChange={setFollow} />
        <Loaded of={logs}>{(data) => <Lines logs={data} level={level} text={text} follow={follow} />}</Loaded>
      </Card>
    </Page>
  );
}

interface LinesProps {
  readonly logs: Logs;
  readonly level: (typeof levels)[number];
  readonly text: string;
  readonly follow: boolean;
}

function Lines({ logs, level, text, follow }: LinesProps) {
  const element = useRef<HTMLElement>(null);
  const lines = useMemo(() => matching(logs.lines, level, text), [logs, level, text]);
  useEffect(() => {
    if (follow) element.current?.scrollTo(0, element.current.scrollHeight);
  }, [lines, follow]);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also for who has only a keyboard
    <section class="log" ref={element} tabIndex={0} aria-label={t('logs.tail')}>
      {lines.length === 0
        ? t('nothing')
        : lines.map((l, i) => (
            // oxlint-disable-next-line react/no-array-index-key -- lines have no names
            <div key={i} class={l.level === 'info' || l.level === 'debug' ? undefined : `log-${l.level}`}>
              {l.at.replace('T', ' ').replace(/\.\d+Z?$|Z$/, '')} {l.service} {l.level.toUpperCase()} {l.text}
            </div>
          ))}
    </section>
  );
}
