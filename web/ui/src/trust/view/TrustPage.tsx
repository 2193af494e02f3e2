import type { ReadonlySignal } from '@preact/signals-core';
import { locale } from '../../i18n/words.ts';
import { Icon } from '../../kit/icons.tsx';
import { usePageLanguage } from '../../kit/language.ts';
import { Logo } from '../../kit/Logo.tsx';
import { useTitle } from '../../kit/title.ts';
import type { Trust } from '../model/watch.ts';
import { t } from '../words.ts';
import { TrustSteps } from './TrustSteps.tsx';
import '../../kit/tokens.css';
import '../../kit/base.css';
import '../../kit/button.css';
import './trust.css';

interface TrustPageProps {
  /** The box's secure origin; null when the box does not answer. */
  readonly origin: string | null;
  readonly fingerprint: string;
  readonly trust: ReadonlySignal<Trust>;
}

/** Brings this device to trust the box, and sees when it does. */
export function TrustPage({ origin, fingerprint, trust }: TrustPageProps) {
  usePageLanguage(locale());
  useTitle(t('title'));
  const now = trust.value;
  return (
    <div class="trust">
      <header class="trust-head">
        <Logo />
      </header>
      <main class="trust-main">
        <h1>{t('title')}</h1>
        <p class="trust-lead">{t('lead')}</p>
        <output class={`trust-state trust-${now}`}>
          <Icon name={now === 'yes' ? 'check' : 'shield'} size={26} />
          <p>{origin === null ? t('lost') : t(`check.${now}`)}</p>
          {now === 'yes' && origin !== null ? (
            <a class="button button-primary" href={origin}>
              {t('open')}
            </a>
          ) : null}
        </output>
        {now === 'yes' ? null : <TrustSteps from="" />}
        {now === 'yes' || origin === null ? null : (
          <p class="field-hint">
            <a href={origin}>{t('without')}</a> · {t('without-hint')}
          </p>
        )}
        <p class="trust-print">
          {t('fingerprint')}
          <code>{fingerprint}</code>
        </p>
      </main>
    </div>
  );
}
