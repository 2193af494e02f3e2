import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import type { Phase } from '../../model/types.ts';
import { go } from '../app/route.ts';
import { failureText } from '../app/words.ts';
import { Message } from './Message.tsx';

interface LeftProps {
  readonly phase: Extract<Phase, { at: 'left' }>;
  readonly rejoin: () => void;
}

export function Left({ phase, rejoin }: LeftProps) {
  const title = phase.why === 'kicked' && phase.by ? t('left.kicked-by.title', { name: phase.by }) : t(`left.${phase.why}.title`);
  return (
    <Message icon={phase.why === 'self' ? 'leave' : 'alert'} look={phase.why === 'self' ? 'calm' : 'warn'} title={title} text={<p>{t(`left.${phase.why}.text`)}</p>}>
      {phase.why === 'self' ? (
        <Button kind="primary" large onClick={rejoin}>
          {t('left.rejoin')}
        </Button>
      ) : null}
      <Button large onClick={() => go('')}>
        {t('left.start')}
      </Button>
    </Message>
  );
}

interface FailedProps {
  readonly phase: Extract<Phase, { at: 'failed' }>;
  readonly again: () => void;
}

export function Failed({ phase, again }: FailedProps) {
  if (phase.why === 'unsupported') return <Unsupported />;
  const { title, text } = failureText(phase.why);
  return (
    <Message icon={phase.why === 'unreachable' ? 'signal' : 'alert'} look="warn" title={title} text={<p>{text}</p>}>
      <Button kind="primary" large onClick={again}>
        {t('failed.again')}
      </Button>
      <Button large onClick={() => go('')}>
        {t('left.start')}
      </Button>
    </Message>
  );
}

/** No camera and microphone for this page: nearly always because the browser does not trust it. */
export function Unsupported() {
  if (globalThis.isSecureContext) {
    return <Message icon="alert" look="warn" title={t('failed.unsupported.title')} text={<p>{t('failed.unsupported.text')}</p>} />;
  }
  const secure = `https://${location.host}${location.pathname}`;
  return (
    <Message
      icon="shield"
      look="warn"
      title={t('insecure.title')}
      text={
        <>
          <p>{t('insecure.text')}</p>
          <ol>
            <li>
              {t('insecure.open')} <a href={secure}>{secure}</a>
            </li>
            <li>
              {t('insecure.trust')} <a href="/ca.crt">{t('insecure.certificate')}</a>
            </li>
          </ol>
        </>
      }
    />
  );
}
