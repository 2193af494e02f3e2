// The model's states in a person's words: what happened, and what to do now.

import { type Key, t } from '../../../i18n/i18n.ts';
import type { DeviceProblem, Failure, Interruption, Notice, Participant } from '../../model/types.ts';

export function problemText(device: 'microphone' | 'camera' | 'both', problem: DeviceProblem): string {
  return t(`problem.${device}.${problem}`);
}

export function interruptionText(why: Interruption): { readonly title: string; readonly text: string } {
  return { title: t(why === 'moving' ? 'reconnecting.moving-title' : 'reconnecting.title'), text: t(`reconnecting.${why}`) };
}

export function failureText(why: Failure): { readonly title: string; readonly text: string } {
  return { title: t(`failed.${why}.title`), text: t(`failed.${why}.text`) };
}

export function noticeText(notice: Notice): string {
  switch (notice.kind) {
    case 'joined':
    case 'left':
      return t(`notice.${notice.kind}`, { name: notice.name || t('person.guest') });
    case 'muted-by':
      return t(`notice.muted-by.${notice.media}`, { name: notice.name || t('person.moderator') });
    case 'start-muted':
      return t(`notice.start-muted.${notice.media}`);
    case 'moderator':
    case 'no-bridge':
    case 'share-failed':
      return t(`notice.${notice.kind}` satisfies Key);
    case 'poll':
      return t('notice.poll', { name: notice.name || t('person.guest'), text: notice.text });
    case 'file':
      return t('notice.file', { name: notice.name || t('person.guest'), file: notice.file });
    case 'moderation':
      return t(`notice.moderation.${notice.medium}.${notice.on ? 'on' : 'off'}`);
    case 'allowed':
      return t(`notice.${notice.allowed ? 'allowed' : 'disallowed'}.${notice.medium}`);
    case 'not-allowed':
      return t(`notice.not-allowed.${notice.medium}`);
    case 'moved':
      return notice.room === '' ? t('notice.moved-back') : t('notice.moved', { room: notice.room });
    case 'refused':
      return t('notice.refused');
  }
}

export function displayName(person: Participant): string {
  return person.name.value || t('person.guest');
}
