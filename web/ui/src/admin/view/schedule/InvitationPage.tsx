import { Button } from '../../../kit/Button.tsx';
import { Card, Facts } from '../../../kit/Card.tsx';
import { announce } from '../../../kit/Live.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import type { Planned, Status } from '../../api.ts';
import { repeatOf } from '../../model/planned.ts';
import { t } from '../../words.ts';
import { hrefOf } from '../route.ts';
import { Loaded, Page, useBox, useResource } from '../use.tsx';
import { when } from './when.ts';
import './schedule.css';

/** How people are invited: a link, a QR code, a file for calendars, and a sheet to print. */
export function InvitationPage({ id }: { readonly id: string }) {
  const box = useBox();
  const plan = useResource<Planned>(`/api/v1/schedule/${encodeURIComponent(id)}`);
  const status = useResource<Status>('/api/v1/status');
  const data = plan.data.value;
  const home = status.data.value?.scan || status.data.value?.urls[0] || '';
  const link = data ? home + data.path : '';
  const operator = box.may('operator');
  const copy = () => void navigator.clipboard.writeText(link).then(() => announce(t('invite.copied')));
  return (
    <Page
      title={data?.meeting.title ?? t('nav.page.schedule')}
      aside={
        <div class="buttons no-print">
          <a class="button button-secondary" href={hrefOf('schedule')}>
            {t('schedule.all')}
          </a>
          <Button onClick={copy}>{t('invite.copy')}</Button>
          {data && data.meeting.repeat !== 'always' && operator ? (
            <a class="button button-secondary" href={`/api/v1/schedule/${encodeURIComponent(id)}/meeting.ics`} download={`${data.meeting.room}.ics`}>
              {t('invite.calendar')}
            </a>
          ) : null}
          <Button kind="primary" onClick={() => window.print()}>
            {t('invite.print')}
          </Button>
        </div>
      }
    >
      <Loaded of={plan}>{(p) => (home === '' ? <p class="loading">{t('loading')}</p> : <Sheet plan={p} link={link} trust={trustOf(status.data.value)} />)}</Loaded>
    </Page>
  );
}

/** Where devices come to trust the box: the plain port, as the authority's own address has it. */
function trustOf(status: Status | null): string {
  return status?.authority ? status.authority.replace(/ca\.crt$/, 'trust') : '';
}

function Sheet({ plan, link, trust }: { readonly plan: Planned; readonly link: string; readonly trust: string }) {
  const m = plan.meeting;
  return (
    <div class="sheet">
      <Card title={t('invite.title')}>
        <div class="sheet-body">
          <div class="stack">
            <p class="sheet-when">{when(plan)}</p>
            <Facts
              facts={[
                m.repeat && m.repeat !== 'always' ? [t('schedule.repeat'), t(`schedule.repeat.${repeatOf(m)}`)] : null,
                m.repeat !== 'always' ? [t('schedule.zone'), m.zone ?? ''] : null,
                m.host ? [t('schedule.host'), m.host] : null,
                [t('invite.link'), <a href={link}>{link}</a>],
                m.password ? [t('schedule.password'), <span class="mono">{m.password}</span>] : null,
              ]}
            />
            {m.note ? <p class="sheet-note">{m.note}</p> : null}
          </div>
          <QrCode text={link} label={t('invite.qr')} caption={t('invite.qr-text')} />
        </div>
      </Card>
      <Card title={t('invite.how')}>
        <ol class="sheet-steps">
          <li>{t('invite.step.open')}</li>
          {trust === '' ? null : <li>{t('invite.step.trust', { url: trust })}</li>}
          <li>{t('invite.step.allow')}</li>
          <li>{t('invite.step.phone')}</li>
        </ol>
      </Card>
    </div>
  );
}
