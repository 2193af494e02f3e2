import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ago, t } from '../../../i18n/i18n.ts';
import { brand } from '../../../kit/brand.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { Avatar, hueOf, Voice } from '../../../kit/Person.tsx';
import { lazy } from '../../../kit/lazy.tsx';
import { Logo } from '../../../kit/Logo.tsx';
import { go, pathOf } from '../app/route.ts';
import { pronounceable, secureRandom } from './names.ts';
import { forget, recentRooms, titleOf } from './recent.ts';
import './start.css';

const BrandLinks = lazy(async () => (await import('../../../kit/BrandLinks.tsx')).BrandLinks);
const Schedule = lazy(async () => (await import('./Schedule.tsx')).Schedule);

// What may not be in a name: what a path or a JID cannot carry, and blanks at the ends.
const forbidden = /[\p{Cc}\\]/gu;

export function StartPage() {
  const [suggestion, setSuggestion] = useState(() => pronounceable(secureRandom));
  const [name, setName] = useState('');
  const enter = (event: Event) => {
    event.preventDefault();
    go(name.trim() || suggestion);
  };
  return (
    <div class="start">
      <header class="start-head">
        <Logo />
      </header>
      <main class="start-main">
        <div class="start-hero">
          <h1>{t('start.title')}</h1>
          <p class="start-lead">{brand.value.welcome || t('start.lead')}</p>
          <form class="start-form" onSubmit={enter}>
            <TextField
              label={t('start.room')}
              value={name}
              placeholder={suggestion}
              maxLength={200}
              enterKeyHint="go"
              autofocus={matchMedia('(pointer: fine)').matches}
              onInput={(value) => setName(value.replace(forbidden, ''))}
            />
            <Button kind="primary" large type="submit">
              {name.trim() ? t('start.enter') : t('start.new')}
            </Button>
          </form>
          <p class="start-hint">
            {t('start.hint', { name: suggestion })}{' '}
            <button type="button" class="start-another" onClick={() => setSuggestion(pronounceable(secureRandom))}>
              <Icon name="refresh" size={15} />
              {t('start.another')}
            </button>
          </p>
        </div>
        <div class="start-side">
          <Schedule />
          <RecentRooms />
        </div>
      </main>
      <footer class="start-foot">
        <Icon name="shield" size={18} />
        <p>{t('start.local')}</p>
        <BrandLinks />
      </footer>
    </div>
  );
}

function RecentRooms() {
  const [rooms, setRooms] = useState(() => recentRooms(localStorage));
  if (rooms.length === 0) return <Art />;
  const now = Date.now();
  return (
    <section class="recent" aria-labelledby="recent-title">
      <h2 id="recent-title">{t('start.recent')}</h2>
      <ul class="recent-list">
        {rooms.map((r) => (
          <li key={titleOf(r)} class="recent-item">
            <a
              class="recent-link"
              href={pathOf(r.room, r.tenant)}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                event.preventDefault();
                go(r.room, r.tenant);
              }}
            >
              <span class="recent-name">{titleOf(r)}</span>
              <span class="recent-time">{ago(r.at, now)}</span>
            </a>
            <IconButton
              label={t('start.forget', { name: titleOf(r) })}
              look="plain"
              small
              onClick={() => {
                forget(localStorage, r);
                setRooms(recentRooms(localStorage));
              }}
            >
              <Icon name="close" size={17} />
            </IconButton>
          </li>
        ))}
      </ul>
    </section>
  );
}

// Made up, for their colours; one of them is speaking.
const cast = ['Ada', 'Ben', 'Cleo', 'Dan'];
const loud = signal(0.8);

/** A meeting in miniature, for browsers that have not been in one. */
function Art() {
  return (
    <div class="start-art" aria-hidden="true">
      {cast.map((name, i) => (
        <span key={name} class={i === 1 ? 'start-tile start-tile-speaking' : 'start-tile'} style={{ '--person-h': String(hueOf(name)) }}>
          <Avatar name={name} />
          {i === 1 ? <Voice level={loud} /> : null}
        </span>
      ))}
    </div>
  );
}
