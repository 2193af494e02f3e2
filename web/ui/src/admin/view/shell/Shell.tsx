import { useEffect, useState } from 'preact/hooks';
import { brand, product } from '../../../kit/brand.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { Logo } from '../../../kit/Logo.tsx';
import { Tool } from '../../../kit/tools.tsx';
import type { Session } from '../../api.ts';
import { t } from '../../words.ts';
import { Language } from '../Language.tsx';
import { DirectoryPage } from '../directory/DirectoryPage.tsx';
import { AuditPage } from '../pages/AuditPage.tsx';
import { BackupPage } from '../pages/BackupPage.tsx';
import { CertificatesPage } from '../pages/CertificatesPage.tsx';
import { ChangesPage } from '../pages/ChangesPage.tsx';
import { ClockPage } from '../pages/ClockPage.tsx';
import { DiagnosticsPage } from '../pages/DiagnosticsPage.tsx';
import { LogsPage } from '../pages/LogsPage.tsx';
import { NetworkPage } from '../pages/NetworkPage.tsx';
import { OverviewPage } from '../pages/OverviewPage.tsx';
import { PeoplePage } from '../pages/PeoplePage.tsx';
import { RoomsPage } from '../pages/RoomsPage.tsx';
import { UpdatePage } from '../pages/UpdatePage.tsx';
import { lazyPage } from '../lazy.tsx';
import { hrefOf, page } from '../route.ts';
import { useAction, useBox } from '../use.tsx';
import { groups, type PageName, pageOf, pages } from './pages.ts';
import './shell.css';

const views: Readonly<Record<PageName, () => preact.JSX.Element>> = {
  '': OverviewPage,
  meetings: lazyPage(async () => (await import('../meetings/MeetingsPage.tsx')).MeetingsPage),
  schedule: lazyPage(async () => (await import('../schedule/SchedulePage.tsx')).SchedulePage),
  files: lazyPage(async () => (await import('../pages/FilesPage.tsx')).FilesPage),
  checks: lazyPage(async () => (await import('../pages/ChecksPage.tsx')).ChecksPage),
  diagnostics: DiagnosticsPage,
  update: UpdatePage,
  backup: BackupPage,
  rooms: RoomsPage,
  branding: lazyPage(async () => (await import('../branding/BrandingPage.tsx')).BrandingPage),
  network: NetworkPage,
  certificates: CertificatesPage,
  clock: ClockPage,
  people: PeoplePage,
  directory: DirectoryPage,
  changes: ChangesPage,
  logs: LogsPage,
  audit: AuditPage,
};

/** The console of somebody who is signed in: the menu, and the page that is open. */
export function Shell({ session }: { readonly session: Session }) {
  const box = useBox();
  const [open, setOpen] = useState(false);
  const now = pageOf(page.value);
  useEffect(() => setOpen(false), [now]);
  useEffect(() => {
    const escape = (event: KeyboardEvent) => {
      if (event.key === 'Escape') setOpen(false);
    };
    document.addEventListener('keydown', escape);
    return () => document.removeEventListener('keydown', escape);
  }, []);
  const wanted = pages.find((p) => p.name === now);
  const View = views[wanted && box.may(wanted.role) ? now : ''];
  return (
    <div class="shell">
      <header class={open ? 'shell-side shell-open' : 'shell-side'}>
        <a class="skip" href={`#/${page.value}`} onClick={skip}>
          {t('skip')}
        </a>
        <div class="shell-brand">
          <a href={hrefOf('')} class="shell-logo" aria-label={t('nav.home', { name: brand.value.name || product })}>
            <Logo />
          </a>
          <span class="shell-menu">
            <IconButton label={t('nav.menu')} look="plain" expanded={open} onClick={() => setOpen(!open)}>
              {open ? <Icon name="close" /> : <Tool name="menu" />}
            </IconButton>
          </span>
        </div>
        <div class="shell-drawer">
          <Menu now={now} />
          <Me session={session} />
        </div>
      </header>
      <main class="shell-main" id="content">
        <View key={now} />
      </main>
    </div>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#content h1')?.focus();
}

function Menu({ now }: { readonly now: PageName }) {
  const box = useBox();
  return (
    <nav aria-label={t('nav.label')}>
      {groups.map((group) => (
        <div key={group} class="shell-group">
          <h2 class="shell-group-title">{t(`nav.${group}`)}</h2>
          <ul>
            {pages
              .filter((p) => p.group === group && box.may(p.role))
              .map((p) => (
                <li key={p.name}>
                  <a class="shell-link" href={hrefOf(p.name)} aria-current={p.name === now ? 'page' : undefined}>
                    <Tool name={p.tool} size={20} />
                    {t(`nav.page.${p.name}`)}
                  </a>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function Me({ session }: { readonly session: Session }) {
  const box = useBox();
  const out = useAction();
  return (
    <div class="shell-me">
      <p>
        <span class="shell-name">{session.account}</span>
        <span class="shell-role">{t(`role.${session.role}`)}</span>
      </p>
      <Button disabled={out.busy.value} onClick={() => void out.run(() => box.signOut())}>
        <Icon name="leave" size={18} />
        {t('sign-out')}
      </Button>
      <Language />
    </div>
  );
}
