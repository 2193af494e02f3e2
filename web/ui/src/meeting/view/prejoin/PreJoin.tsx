import { useEffect } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { brand } from '../../../kit/brand.ts';
import { Button } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { lazy } from '../../../kit/lazy.tsx';
import { Logo } from '../../../kit/Logo.tsx';
import type { Meeting } from '../../model/types.ts';
import { go, tenant } from '../app/route.ts';
import { name as myName } from '../app/settings.ts';
import { framed, wishes } from '../app/wishes.ts';
import { PreJoinMedia } from '../media/lazy.ts';
import { remember } from '../start/recent.ts';
import { Devices } from './Devices.tsx';
import { Preview, Problems } from './Preview.tsx';
import './prejoin.css';

const BrandLinks = lazy(async () => (await import('../../../kit/BrandLinks.tsx')).BrandLinks);

interface PreJoinProps {
  readonly meeting: Meeting;
  /** The room as in the link. */
  readonly title: string;
  readonly connecting: boolean;
}

/** Before the meeting: how one looks and sounds, and under what name. */
export function PreJoin({ meeting, title, connecting }: PreJoinProps) {
  const { media } = meeting;
  useEffect(() => {
    if (connecting) return;
    // Asked for at the same time, Chrome makes one question of the two.
    void Promise.allSettled([media.setMicrophone(!wishes.audioMuted), media.setCamera(!wishes.videoMuted)]);
    if (framed && wishes.straightIn) meeting.join(wishes.displayName || myName.peek().trim());
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- once, when the page opens
  }, [media]);

  const join = (event: Event) => {
    event.preventDefault();
    if (connecting) return;
    remember(localStorage, { room: title, tenant }, Date.now());
    meeting.join(myName.value.trim());
  };
  return (
    <div class="prejoin">
      <header class="prejoin-head">
        <a
          href="/"
          class="prejoin-home"
          onClick={(event) => {
            event.preventDefault();
            go('');
          }}
        >
          <Logo />
        </a>
      </header>
      <main class="prejoin-main">
        <div class="prejoin-look">
          <Preview media={media} name={myName.value} />
          <Problems media={media} />
        </div>
        <form class="prejoin-form" onSubmit={join}>
          <div class="prejoin-title">
            <p class="prejoin-kicker">{t('prejoin.kicker')}</p>
            <h1>{title}</h1>
            {brand.value.welcome === '' ? null : <p class="prejoin-welcome">{brand.value.welcome}</p>}
          </div>
          <TextField
            label={t('prejoin.name')}
            value={myName.value}
            placeholder={t('prejoin.name-placeholder')}
            maxLength={80}
            autocomplete="name"
            enterKeyHint="go"
            autofocus={matchMedia('(pointer: fine)').matches}
            onInput={(value) => {
              myName.value = value;
            }}
          />
          <Devices media={media} choose={(kind, id) => void media.choose(kind, id)} />
          <PreJoinMedia media={media} />
          <div class="prejoin-go">
            <Button kind="primary" large wide type="submit" disabled={connecting}>
              {connecting ? t('prejoin.joining') : t('prejoin.join')}
            </Button>
          </div>
          <p class="prejoin-note" aria-live="polite">
            {connecting ? t('prejoin.connecting') : t('prejoin.note')}
          </p>
        </form>
      </main>
      {brand.value.links.length > 0 ? (
        <footer class="prejoin-foot">
          <BrandLinks />
        </footer>
      ) : null}
    </div>
  );
}
