import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Card, Notice } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { TextArea } from '../../../kit/Fields.tsx';
import type { CertificateRequest } from '../../api.ts';
import { t } from '../../words.ts';
import { Problem, useAction, useBox } from '../use.tsx';

interface RequestCardProps {
  readonly request: CertificateRequest | null;
  readonly done: () => void;
}

export function RequestCard({ request, done }: RequestCardProps) {
  const { client, setup } = useBox();
  const act = useAction();
  const [names, setNames] = useState(setup.peek()?.name ?? '');
  const [organization, setOrganization] = useState('');
  const make = async (event: Event) => {
    event.preventDefault();
    const body = { names: names.split(/[\s,]+/).filter(Boolean), ...(organization === '' ? {} : { organization }) };
    if (await act.run(() => client.send('POST', '/api/v1/certificates/request', body))) done();
  };
  const drop = async () => {
    if (await act.run(() => client.send('DELETE', '/api/v1/certificates/request'))) done();
  };
  const wrong = Object.entries(act.fields.value).find(([field]) => field.startsWith('names'));
  return (
    <Card title={t('csr.title')} text={t('csr.text')}>
      {request ? (
        <div class="form">
          <Notice mood="good">
            <p>{t('csr.done')}</p>
          </Notice>
          <TextArea label={`${t('csr.result')}: ${request.names.join(', ')}`} value={request.pem} rows={8} readOnly />
          <Problem of={act} />
          <div class="buttons">
            <a class="button button-secondary" href="/api/v1/certificates/request.pem" download="meetbox.csr">
              {t('download')}
            </a>
            <Button disabled={act.busy.value} onClick={() => void drop()}>
              {t('csr.drop')}
            </Button>
          </div>
        </div>
      ) : (
        <form class="form" onSubmit={(event) => void make(event)}>
          <TextField label={t('csr.names')} value={names} mono error={wrong?.[1]} onInput={setNames} />
          <TextField label={t('csr.organization')} value={organization} error={act.fields.value['organization']} onInput={setOrganization} />
          <Problem of={act} />
          <div class="buttons">
            <Button type="submit" disabled={act.busy.value}>
              {t('csr.do')}
            </Button>
          </div>
        </form>
      )}
    </Card>
  );
}
