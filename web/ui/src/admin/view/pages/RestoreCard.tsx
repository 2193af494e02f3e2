import { useState } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Facts, Notice, Progress, Tag } from '../../../kit/Card.tsx';
import { SelectField, SwitchField, TextField } from '../../../kit/Field.tsx';
import { FileField } from '../../../kit/Fields.tsx';
import type { NetworkStatus, Restore, RestoreResult } from '../../api.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { Problem, useAction, useBox } from '../use.tsx';

/** Looks into a backup first; only what was looked at is restored. */
export function RestoreCard() {
  const { client } = useBox();
  const act = useAction();
  const [file, setFile] = useState<File | null>(null);
  const [passphrase, setPassphrase] = useState('');
  const [network, setNetwork] = useState(false);
  const [cards, setCards] = useState<Record<string, string>>({});
  const [own, setOwn] = useState<readonly string[]>([]);
  const [sent, setSent] = useState(0);
  const [inside, setInside] = useState<RestoreResult | null>(null);
  const [asking, setAsking] = useState(false);
  const open = async (how: Pick<Restore, 'try'>) => {
    const asked: Restore = { passphrase, network, cards: network ? cards : {}, ...how };
    setInside((await client.send<RestoreResult>('PUT', '/api/v1/restore', asked)).data);
  };
  const look = (event: Event) => {
    event.preventDefault();
    if (!file) return;
    setInside(null);
    void act.run(async () => {
      await client.send('POST', '/api/v1/restore', file, { onProgress: setSent });
      await open({ try: true });
    });
  };
  // Cards that the backup names and this machine does not have.
  const gone = inside?.cards.filter((card) => !card.here).map((card) => card.card) ?? [];
  const choose = (on: boolean) => {
    setNetwork(on);
    if (!on || gone.length === 0) return;
    void act.run(async () => {
      const { ports } = (await client.get<NetworkStatus>('/api/v1/network')).data;
      const names = ports.filter((port) => port.card !== '' && !port.vlan).map((port) => port.name);
      setOwn(names);
      setCards(Object.fromEntries(gone.map((card, i) => [card, names[i] ?? names[0] ?? ''])));
    });
  };
  return (
    <Card title={t('restore.title')} text={t('restore.text')}>
      <form class="form" onSubmit={look}>
        <FileField label={t('restore.file')} choose={t('file.choose')} none={t('file.none')} accept=".backup" file={file} onFile={setFile} />
        <TextField label={t('backup.passphrase')} type="password" value={passphrase} error={act.fields.value['passphrase']} onInput={setPassphrase} />
        {act.busy.value ? <Progress label={t('update.sending')} value={sent} /> : null}
        <Problem of={act} />
        <div class="buttons">
          <Button type="submit" disabled={!file || passphrase === '' || act.busy.value}>
            {t('restore.look')}
          </Button>
        </div>
      </form>
      {inside?.restored ? (
        <Notice mood="good" live>
          <p>{t('restore.done')}</p>
        </Notice>
      ) : null}
      {inside && !inside.restored ? (
        <div class="form">
          <Facts
            facts={[
              [t('restore.made'), `${date(inside.made)}, ${inside.name}, ${inside.version}`],
              [t('accounts.title'), inside.accounts.join(', ')],
              [t('certificates.authority'), inside.same ? <Tag mood="good">{t('restore.same')}</Tag> : <span class="mono">{inside.authority}</span>],
            ]}
          />
          <SwitchField label={t('restore.network')} hint={t('restore.network-hint')} on={network} onChange={choose} />
          {network
            ? gone.map((card) => (
                <SelectField
                  key={card}
                  label={t('restore.card', { card })}
                  value={cards[card] ?? ''}
                  options={own.map((name) => ({ value: name, label: name }))}
                  onChange={(name) => setCards({ ...cards, [card]: name })}
                />
              ))
            : null}
          <div class="buttons">
            <Button kind="danger" onClick={() => setAsking(true)}>
              {t('restore.do')}
            </Button>
          </div>
        </div>
      ) : null}
      {asking ? (
        <Confirm title={t('restore.title')} text={<p>{t('restore.sure')}</p>} label={t('restore.do')} people act={() => open({ try: false })} onClose={() => setAsking(false)} />
      ) : null}
    </Card>
  );
}
