import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { FileField, TextArea } from '../../../kit/Fields.tsx';
import { announce } from '../../../kit/Live.tsx';
import { base64 } from '../../model/file.ts';
import { t } from '../../words.ts';
import { Problem, useAction, useBox } from '../use.tsx';

interface UploadCardProps {
  /** A certificate from outside is in use. */
  readonly site: boolean;
  readonly done: () => void;
}

export function UploadCard({ site, done }: UploadCardProps) {
  const { client } = useBox();
  const act = useAction();
  const [certificates, setCertificates] = useState('');
  const [key, setKey] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [password, setPassword] = useState('');
  const go = async (event: Event) => {
    event.preventDefault();
    const body = file ? { pfx: await base64(file), password } : { certificates, key };
    if (!(await act.run(() => client.send('PUT', '/api/v1/certificates/site', body)))) return;
    announce(t('saved'));
    setCertificates('');
    setKey('');
    setFile(null);
    setPassword('');
    done();
  };
  const back = async () => {
    if (await act.run(() => client.send('DELETE', '/api/v1/certificates/site'))) done();
  };
  const wrong = act.fields.value;
  return (
    <Card title={t('upload.title')} text={t('upload.text')}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <FileField label={t('upload.pfx')} choose={t('file.choose')} none={t('file.none')} accept=".pfx,.p12" file={file} error={wrong['pfx']} onFile={setFile} />
        {file ? (
          <TextField label={t('upload.password')} type="password" value={password} error={wrong['password']} onInput={setPassword} />
        ) : (
          <>
            <TextArea label={t('upload.chain')} value={certificates} placeholder="-----BEGIN CERTIFICATE-----" hint={t('upload.chain-hint')} error={wrong['certificates']} onInput={setCertificates} />
            <TextArea label={t('upload.key')} value={key} placeholder="-----BEGIN PRIVATE KEY-----" hint={t('upload.key-hint')} error={wrong['key']} onInput={setKey} />
          </>
        )}
        <Problem of={act} />
        <div class="buttons">
          <Button kind="primary" type="submit" disabled={act.busy.value || (!file && certificates.trim() === '')}>
            {t('upload.do')}
          </Button>
          {site ? (
            <Button disabled={act.busy.value} onClick={() => void back()}>
              {t('upload.back')}
            </Button>
          ) : null}
        </div>
      </form>
    </Card>
  );
}
