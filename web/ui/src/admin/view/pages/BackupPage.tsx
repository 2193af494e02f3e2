import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card } from '../../../kit/Card.tsx';
import { SwitchField } from '../../../kit/Field.tsx';
import { ChoiceField } from '../../../kit/Fields.tsx';
import { saveAs } from '../../model/file.ts';
import { t } from '../../words.ts';
import { Confirm } from '../Confirm.tsx';
import { NewPassword } from '../Password.tsx';
import { PeopleNow } from '../PeopleNow.tsx';
import { Page, Problem, useAction, useBox } from '../use.tsx';
import { InstallCard } from './InstallCard.tsx';
import { RestoreCard } from './RestoreCard.tsx';

export function BackupPage() {
  return (
    <Page title={t('nav.page.backup')} lead={t('backup.lead')}>
      <BackupCard />
      <RestoreCard />
      <InstallCard />
      <ResetCard />
    </Page>
  );
}

function BackupCard() {
  const box = useBox();
  const act = useAction();
  const [passphrase, setPassphrase] = useState('');
  const go = (event: Event) => {
    event.preventDefault();
    void act.run(async () => {
      await saveAs(box.client, `${box.setup.value?.name ?? 'meetbox'}-${new Date().toISOString().slice(0, 10)}.backup`, '/api/v1/backup', { passphrase });
      setPassphrase('');
    });
  };
  return (
    <Card title={t('backup.title')} text={t('backup.text')}>
      <form class="form" onSubmit={go}>
        <NewPassword label={t('backup.passphrase')} value={passphrase} error={act.fields.value['passphrase']} onInput={setPassphrase} />
        <Problem of={act} />
        <div class="buttons">
          <Button kind="primary" type="submit" disabled={act.busy.value || passphrase === ''}>
            {t('backup.do')}
          </Button>
        </div>
      </form>
    </Card>
  );
}

function ResetCard() {
  const box = useBox();
  const [depth, setDepth] = useState<'settings' | 'everything'>('settings');
  const [keep, setKeep] = useState(true);
  const [asking, setAsking] = useState(false);
  const name = box.setup.value?.name ?? 'meetbox';
  return (
    <Card title={t('reset.title')} text={t('reset.text')} danger>
      <div class="form">
        <ChoiceField
          label={t('reset.depth')}
          value={depth}
          options={[
            { value: 'settings', label: t('reset.settings'), hint: t('reset.settings-hint') },
            { value: 'everything', label: t('reset.everything'), hint: t('reset.everything-hint') },
          ]}
          onChange={setDepth}
        />
        {depth === 'everything' ? <SwitchField label={t('reset.keep-ca')} hint={t('reset.keep-ca-hint')} on={keep} onChange={setKeep} /> : null}
        <PeopleNow />
        <div class="buttons">
          <Button kind="danger" onClick={() => setAsking(true)}>
            {t('reset.do')}
          </Button>
        </div>
      </div>
      {asking ? (
        <Confirm
          title={t('reset.title')}
          text={<p>{t(`reset.${depth}-hint`)}</p>}
          label={t('reset.do')}
          type={name}
          people
          act={async () => {
            await box.client.send('POST', '/api/v1/reset', { depth, name, keep_authority: depth === 'settings' || keep });
            await box.start();
          }}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </Card>
  );
}
