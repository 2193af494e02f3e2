// The steps of the setup behind the claim: each shows what the box found by itself, and none has to be done.

import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Facts, Notice, Tag } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import type { Names, NetworkStatus, Status } from '../../api.ts';
import { t } from '../../words.ts';
import { TrustOthers } from '../pages/CertificatesPage.tsx';
import { SetFromBrowser } from '../pages/ClockPage.tsx';
import { InstallCard } from '../pages/InstallCard.tsx';
import { TestCall } from '../TestCall.tsx';
import { Loaded, useEditor, useResource } from '../use.tsx';
import { StepHead } from './StepHead.tsx';

interface StepProps {
  readonly next: () => void;
}

function Next({ next, label }: StepProps & { readonly label?: string }) {
  return (
    <div class="buttons">
      <Button kind="primary" large onClick={next}>
        {label ?? t('setup.next')}
      </Button>
    </div>
  );
}

export function ClockStep({ next }: StepProps) {
  const names = useEditor<Names>('/api/v1/settings/names');
  const draft = names.draft.value;
  const go = async (event: Event) => {
    event.preventDefault();
    if (!names.dirty.value || (await names.save())) next();
  };
  return (
    <>
      <InstallCard fromStick />
      <form class="form" onSubmit={(event) => void go(event)}>
        <StepHead title={t('setup.clock-title')} text={t('setup.clock-text')} />
        <TextField
          label={t('names.host')}
          value={draft?.host ?? ''}
          placeholder="meetbox"
          mono
          hint={t('names.host-hint')}
          error={names.fields.value['host'] ?? names.problem.value ?? undefined}
          onInput={(host) => names.change({ host: host.trim() })}
        />
        <SetFromBrowser />
        <div class="buttons">
          <Button kind="primary" large type="submit" disabled={names.saving.value}>
            {t('setup.next')}
          </Button>
        </div>
      </form>
    </>
  );
}

export function NetworkStep({ next }: StepProps) {
  const status = useResource<NetworkStatus>('/api/v1/network', 3000);
  return (
    <>
      <StepHead title={t('setup.network-title')} text={t('setup.network-text')} />
      <Loaded of={status}>
        {(n) => (
          <>
            <Facts
              facts={n.ports.map((p) => [
                p.name,
                <span class="service" key={p.name}>
                  <Tag mood={p.cable ? 'good' : 'warn'}>{p.cable ? t('network.plugged') : t('network.unplugged')}</Tag>
                  <span class="mono">{p.addresses.join(', ')}</span>
                </span>,
              ])}
            />
            {(n.problems ?? []).map((p) => (
              <Notice key={p} mood="warn">
                <p>{p}</p>
              </Notice>
            ))}
          </>
        )}
      </Loaded>
      <p class="soft">{t('setup.network-later')}</p>
      <Next next={next} />
    </>
  );
}

export function TrustStep({ next }: StepProps) {
  return (
    <>
      <StepHead title={t('setup.trust-title')} text={t('trust.text')} />
      <TrustOthers />
      <Next next={next} />
    </>
  );
}

export function TestStep({ next }: StepProps) {
  const [good, setGood] = useState(false);
  return (
    <>
      <StepHead title={t('test-call.title')} text={t('test-call.text')} />
      <TestCall onGood={() => setGood(true)} />
      <Next next={next} label={good ? t('setup.next') : t('setup.skip')} />
    </>
  );
}

export function DoneStep({ next }: StepProps) {
  const status = useResource<Status>('/api/v1/status');
  return (
    <>
      <StepHead title={t('setup.done-title')} text={t('setup.done-text')} />
      <Loaded of={status}>
        {(s) => {
          const meetings = s.scan || (s.urls[0] ?? '');
          return (
            <>
              <QrCode text={meetings} label={t('overview.qr')} caption={t('overview.qr-text')} />
              <ul class="stack">
                {s.urls.map((url) => (
                  <li key={url}>
                    <a href={url} target="_blank" rel="noreferrer">
                      {url}
                    </a>
                  </li>
                ))}
              </ul>
              <div class="buttons">
                <a class="button button-primary button-large" href={`${here(s.urls)}/first-meeting`} target="_blank" rel="noreferrer">
                  {t('setup.meet')}
                </a>
                <Button large onClick={next}>
                  {t('setup.to-console')}
                </Button>
              </div>
            </>
          );
        }}
      </Loaded>
    </>
  );
}

/** The meetings' origin under the name by which this browser reached the console. */
function here(urls: readonly string[]): string {
  const same = urls.find((u) => new URL(u).hostname === location.hostname);
  return (same ?? urls[0] ?? '').replace(/\/$/, '');
}
