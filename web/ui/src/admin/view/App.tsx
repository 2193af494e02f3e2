import { locale } from '../../i18n/words.ts';
import { Notice } from '../../kit/Card.tsx';
import { usePageLanguage } from '../../kit/language.ts';
import { LiveRegion } from '../../kit/Live.tsx';
import { Logo } from '../../kit/Logo.tsx';
import type { Console } from '../model/console.ts';
import { t } from '../words.ts';
import { setupStep } from './chosen.ts';
import { useFirstMistake } from './mistakes.ts';
import { Wizard } from './setup/Wizard.tsx';
import { Shell } from './shell/Shell.tsx';
import { SignInPage } from './shell/SignInPage.tsx';
import { BoxProvider } from './use.tsx';
import '../../kit/tokens.css';
import '../../kit/base.css';
import './console.css';

export function App({ box }: { readonly box: Console }) {
  usePageLanguage(locale());
  useFirstMistake();
  return (
    <BoxProvider value={box}>
      <LiveRegion />
      {box.client.up.value ? null : (
        <div class="away">
          <Notice mood="warn" live title={t('away.title')}>
            <p>{t('away.text')}</p>
          </Notice>
        </div>
      )}
      <Now box={box} />
    </BoxProvider>
  );
}

function Now({ box }: { readonly box: Console }) {
  const setup = box.setup.value;
  const session = box.session.value;
  if (!setup || session === undefined) {
    return (
      <main class="centre">
        <Logo />
        <p>{t('loading')}</p>
      </main>
    );
  }
  if (!setup.claimed || (session && setupStep.value !== '')) return <Wizard />;
  if (!session) return <SignInPage />;
  return <Shell session={session} />;
}
