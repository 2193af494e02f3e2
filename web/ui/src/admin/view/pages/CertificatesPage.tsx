import { useState } from 'preact/hooks';
import { date } from '../../../i18n/words.ts';
import { Button } from '../../../kit/Button.tsx';
import { Card, Facts, Notice, Tag } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { FileField, TextArea } from '../../../kit/Fields.tsx';
import { announce } from '../../../kit/Live.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import { TrustSteps } from '../../../trust/view/TrustSteps.tsx';
import type { Status } from '../../api.ts';
import type { Certificate, Certificates } from '../../model/kinds.ts';
import { t } from '../../words.ts';
import { Loaded, Page, Problem, useAction, useBox, useResource } from '../use.tsx';

export function CertificatesPage() {
  const box = useBox();
  const list = useResource<Certificates>('/api/v1/certificates', 30_000);
  const reload = () => void list.reload();
  return (
    <Page title={t('nav.page.certificates')} lead={t('certificates.lead')}>
      <Loaded of={list}>
        {(c) => (
          <div class="columns">
            <Described title={t('certificates.web')} of={c.web} />
            <Described title={t('certificates.authority')} of={c.authority} />
          </div>
        )}
      </Loaded>
      <Card title={t('trust.title')} text={t('trust.text')}>
        <TrustOthers />
      </Card>
      {box.may('admin') ? (
        <>
          <UploadCard done={reload} />
          <RequestCard />
        </>
      ) : null}
    </Page>
  );
}

function Described({ title, of }: { readonly title: string; readonly of: Certificate }) {
  const left = Date.parse(of.not_after) - Date.now();
  const mood = left <= 0 ? 'bad' : left < 14 * 86_400_000 ? 'warn' : 'good';
  return (
    <Card title={title} aside={<Tag mood={mood}>{left <= 0 ? t('certificates.expired') : t('certificates.valid')}</Tag>}>
      <Facts
        facts={[
          [t('certificates.subject'), of.subject],
          of.names || of.addresses ? [t('certificates.for'), [...(of.names ?? []), ...(of.addresses ?? [])].join(', ')] : null,
          [t('certificates.until'), date(of.not_after)],
          of.renew_at ? [t('certificates.renews'), date(of.renew_at, 'day')] : null,
          [t('certificates.fingerprint'), <span class="mono">{of.sha256}</span>],
        ]}
      />
    </Card>
  );
}

/** How other devices come to trust the box, and how this one does. */
export function TrustOthers() {
  const status = useResource<Status>('/api/v1/status');
  const s = status.data.value;
  if (!s) return null;
  const plain = s.authority.replace(/\/[^/]*$/, '');
  const page = `${plain}/trust`;
  return (
    <div class="columns">
      <div class="stack">
        <p>
          {t('trust.others')}{' '}
          <a href={page} target="_blank" rel="noreferrer">
            {page}
          </a>
        </p>
        <QrCode text={page} label={t('trust.qr')} caption={t('overview.qr-text')} />
      </div>
      <TrustSteps from={plain} />
    </div>
  );
}

function UploadCard({ done }: { readonly done: () => void }) {
  const { client } = useBox();
  const act = useAction();
  const [chain, setChain] = useState('');
  const [key, setKey] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [password, setPassword] = useState('');
  const go = async (event: Event) => {
    event.preventDefault();
    const body = file ? { pfx: await base64(file), password } : { certificate: chain, key };
    if (!(await act.run(() => client.send('PUT', '/api/v1/certificates/web', body)))) return;
    announce(t('saved'));
    setChain('');
    setKey('');
    setFile(null);
    setPassword('');
    done();
  };
  const back = async () => {
    if (await act.run(() => client.send('DELETE', '/api/v1/certificates/web'))) done();
  };
  return (
    <Card title={t('upload.title')} text={t('upload.text')}>
      <form class="form" onSubmit={(event) => void go(event)}>
        <FileField label={t('upload.pfx')} choose={t('file.choose')} none={t('file.none')} accept=".pfx,.p12" file={file} error={act.fields.value['pfx']} onFile={setFile} />
        {file ? (
          <TextField label={t('upload.password')} type="password" value={password} error={act.fields.value['password']} onInput={setPassword} />
        ) : (
          <>
            <TextArea label={t('upload.chain')} value={chain} placeholder="-----BEGIN CERTIFICATE-----" hint={t('upload.chain-hint')} error={act.fields.value['certificate']} onInput={setChain} />
            <TextArea label={t('upload.key')} value={key} placeholder="-----BEGIN PRIVATE KEY-----" hint={t('upload.key-hint')} error={act.fields.value['key']} onInput={setKey} />
          </>
        )}
        <Problem of={act} />
        <div class="buttons">
          <Button kind="primary" type="submit" disabled={act.busy.value || (!file && chain.trim() === '')}>
            {t('upload.do')}
          </Button>
          <Button disabled={act.busy.value} onClick={() => void back()}>
            {t('upload.back')}
          </Button>
        </div>
      </form>
    </Card>
  );
}

async function base64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return btoa(Array.from(bytes, (b) => String.fromCodePoint(b)).join(''));
}

function RequestCard() {
  const { client } = useBox();
  const act = useAction();
  const [names, setNames] = useState('');
  const [request, setRequest] = useState('');
  const go = (event: Event) => {
    event.preventDefault();
    void act.run(async () => setRequest((await client.send<{ csr: string }>('POST', '/api/v1/certificates/csr', { names: names.split(/[\s,]+/).filter(Boolean) })).data.csr));
  };
  return (
    <Card title={t('csr.title')} text={t('csr.text')}>
      <form class="form" onSubmit={go}>
        <TextField label={t('csr.names')} value={names} mono hint={t('csr.names-hint')} error={act.fields.value['names']} onInput={setNames} />
        <Problem of={act} />
        <div class="buttons">
          <Button type="submit" disabled={act.busy.value}>
            {t('csr.do')}
          </Button>
        </div>
        {request === '' ? null : (
          <>
            <Notice mood="good" live>
              <p>{t('csr.done')}</p>
            </Notice>
            <TextArea label={t('csr.result')} value={request} rows={8} readOnly />
          </>
        )}
      </form>
    </Card>
  );
}
