import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import type { Meeting, Phase } from '../../model/types.ts';
import { HostPage } from './HostPage.tsx';
import { Message } from './Message.tsx';
import { PasswordPage } from './PasswordPage.tsx';

interface WaitingPageProps {
  readonly meeting: Meeting;
  readonly phase: Extract<Phase, { at: 'waiting' }>;
}

/** Between the page before the meeting and the meeting: something is asked of the person, or of others. */
export function WaitingPage({ meeting, phase }: WaitingPageProps) {
  if (phase.why === 'password') return <PasswordPage meeting={meeting} wrong={phase.wrong === true} slow={phase.slow} />;
  if (phase.why === 'host') return <HostPage meeting={meeting} />;
  return (
    <Message icon="hand" title={t(`waiting.${phase.why}.title`)} text={<p>{t(`waiting.${phase.why}.text`)}</p>}>
      <Button large onClick={() => meeting.leave()}>
        {t('waiting.leave')}
      </Button>
    </Message>
  );
}
