import { useEffect } from 'preact/hooks';
import { date } from '../../../i18n/format.ts';
import { Card, Facts, Notice, Tag } from '../../../kit/Card.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import { TrustSteps } from '../../../trust/view/TrustSteps.tsx';
import type { Certificate, CertificateState } from '../../api.ts';
import { t } from '../../words.ts';
import { AcmeCard } from '../certificates/AcmeCard.tsx';
import { RequestCard } from '../certificates/RequestCard.tsx';
import { UploadCard } from '../certificates/UploadCard.tsx';
import { Loaded, Page, useBox, useResource } from '../use.tsx';

/** How often it is looked whether the authority has answered, in milliseconds. */
const askingEvery = 2000;

export function CertificatesPage() {
  const box = useBox();
  const list = useResource<CertificateState>('/api/v1/certificates', 30_000);
  const { reload } = list;
  const asking = list.data.value?.source === 'acme' && !list.data.value.site;
  useEffect(() => {
    if (!asking) return undefined;
    const timer = setInterval(() => void reload(), askingEvery);
    return () => clearInterval(timer);
  }, [asking, reload]);
  return (
    <Page title={t('nav.page.certificates')} lead={t('certificates.lead')}>
      <Loaded of={list}>
        {(c) => (
          <>
            {c.problem ? (
              <Notice mood="bad">
                <p>{c.problem}</p>
              </Notice>
            ) : asking ? (
              <Notice mood="warn" live>
                <p>{t('acme.asking')}</p>
              </Notice>
            ) : null}
            <div class="columns">
              {c.site ? <Described title={t('certificates.site')} of={c.site.certificate} notes={[...c.site.warnings, ...c.site.missing.map((name) => t('certificates.missing', { name }))]} /> : null}
              <Described title={t('certificates.web')} of={c.own} />
              <Described title={t('certificates.authority')} of={c.authority} />
            </div>
          </>
        )}
      </Loaded>
      <Card title={t('trust.title')} text={t('trust.text')}>
        <TrustOthers />
      </Card>
      {box.may('admin') ? (
        <>
          <UploadCard site={list.data.value?.site !== undefined} done={() => void list.reload()} />
          <RequestCard request={list.data.value?.request ?? null} done={() => void list.reload()} />
          <AcmeCard key={list.data.value?.source} done={() => void list.reload()} />
        </>
      ) : null}
    </Page>
  );
}

function Described({ title, of, notes = [] }: { readonly title: string; readonly of: Certificate; readonly notes?: readonly string[] }) {
  const left = Date.parse(of.not_after) - Date.now();
  const mood = left <= 0 ? 'bad' : left < 14 * 86_400_000 ? 'warn' : 'good';
  return (
    <Card title={title} aside={<Tag mood={mood}>{left <= 0 ? t('certificates.expired') : t('certificates.valid')}</Tag>}>
      {notes.map((note) => (
        <Notice key={note} mood="warn">
          <p>{note}</p>
        </Notice>
      ))}
      <Facts
        facts={[
          of.subject === '' ? null : [t('certificates.subject'), of.subject],
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
  const page = useResource<CertificateState>('/api/v1/certificates').data.value?.trust_url;
  if (!page) return null;
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
      <TrustSteps from={new URL(page).origin} />
    </div>
  );
}
