// Who may switch a microphone or camera on. While moderation of a medium is on, that are moderators
// and whom they let; the bridge enforces it, this only spares people a button that does nothing.

import { computed, signal, type ReadonlySignal } from '@preact/signals-core';

import { resource } from '../../../xmpp/jid.ts';
import { ns } from '../../../xmpp/ns.ts';
import { parseModerationPush, printAllow, printEnd, printMetadata, printModeration, type Medium } from '../../../xmpp/moderation.ts';
import { object } from '../../../xmpp/json.ts';
import type { Participant } from '../types.ts';
import { el } from '../../../xmpp/xml.ts';
import type { Json, Wire } from '../wire.ts';

/** Screens are moderated together with cameras. */
export type Moderated = 'audio' | 'video';

export interface Moderation {
  readonly available: ReadonlySignal<boolean>;
  readonly on: ReadonlySignal<Readonly<Record<Moderated, boolean>>>;
  /** Who joins from now on comes muted. */
  readonly startMuted: ReadonlySignal<Readonly<Record<Moderated, boolean>>>;
  readonly canEnd: ReadonlySignal<boolean>;
  /** Whether we may switch ours on. */
  may(medium: Moderated): boolean;
  /** Whether somebody else may, as far as a moderator knows. */
  mayOther(person: Participant, medium: Moderated): boolean;

  // Moderators only; the service refuses others.
  set(medium: Moderated, on: boolean): void;
  setStartMuted(medium: Moderated, on: boolean): void;
  /** Lets somebody unmute, which asks them to, or takes it back. */
  allow(participant: string, medium: Moderated, allowed: boolean): void;
  /** Mutes everybody but us and those in `except`. */
  muteAll(media: 'audio' | 'video', except?: readonly string[]): Promise<void>;
  endForAll(): void;
}

const both: Readonly<Record<Moderated, readonly Medium[]>> = { audio: ['audio'], video: ['video', 'desktop'] };

export function createModeration(wire: Wire, metadata: ReadonlySignal<Json>): Moderation {
  const on = signal<Readonly<Record<Moderated, boolean>>>({ audio: false, video: false });
  const startMuted = computed((): Readonly<Record<Moderated, boolean>> => {
    const policy = object(metadata.value['startMuted']);
    return { audio: policy['audio'] === true, video: policy['video'] === true };
  });
  const allowed = signal<ReadonlySet<Medium>>(new Set());
  const lists = signal<Readonly<Record<Medium, readonly string[]>>>({ audio: [], video: [], desktop: [] });

  wire.onFresh(() => {
    on.value = { audio: false, video: false };
    allowed.value = new Set();
    lists.value = { audio: [], video: [], desktop: [] };
  });
  wire.onPush('av_moderation', (body) => {
    const push = parseModerationPush(body);
    switch (push?.kind) {
      case 'state':
        if (push.medium === 'desktop') return;
        if (on.peek()[push.medium] === push.on) return;
        on.value = { ...on.peek(), [push.medium]: push.on };
        // Every time anew, for everybody.
        allowed.value = new Set();
        lists.value = { ...lists.peek(), [push.medium]: [] };
        if (resource(push.actor) !== wire.endpoint()) wire.notice({ kind: 'moderation', medium: push.medium, on: push.on });
        return;
      case 'self': {
        const now = new Set(allowed.peek());
        const news = now.has(push.medium) !== push.allowed;
        if (push.allowed) now.add(push.medium);
        else now.delete(push.medium);
        allowed.value = now;
        if (news && push.medium !== 'desktop') wire.notice({ kind: 'allowed', medium: push.medium, allowed: push.allowed });
        return;
      }
      case 'lists':
        lists.value = push.lists;
    }
  });
  return {
    available: computed(() => wire.services.value.has('av_moderation')),
    on,
    startMuted,
    canEnd: computed(() => wire.services.value.has('end_conference') && wire.me.moderator.value && wire.room.value === wire.home),
    may: (medium) => !on.value[medium] || wire.me.moderator.value || allowed.value.has(medium),
    mayOther: (person, medium) => !on.value[medium] || person.moderator.value || lists.value[medium].includes(wire.addressOf(person.id)),
    set(medium, now) {
      for (const m of both[medium]) wire.send('av_moderation', printModeration(m, now));
    },
    setStartMuted(medium, now) {
      const next = { ...startMuted.peek(), [medium]: now };
      wire.send('room_metadata', printMetadata(wire.room.peek(), 'startMuted', next));
    },
    allow(participant, medium, yes) {
      const address = wire.addressOf(participant);
      if (address !== '') for (const m of both[medium]) wire.send('av_moderation', printAllow(m, address, yes));
    },
    async muteAll(media, except = []) {
      const namespace = media === 'audio' ? ns.muteAudio : ns.muteVideo;
      const loud = wire.members.peek().filter((m) => !except.includes(m.id) && !(media === 'audio' ? m.audioMuted : m.videoMuted).peek());
      await Promise.all(
        loud.map((m) =>
          wire.iq(el('iq', '', { type: 'set', to: `${wire.room.peek()}/focus` }, el('mute', namespace, { jid: wire.addressOf(m.id) }, 'true'))).catch(() => undefined),
        ),
      );
    },
    endForAll() {
      wire.send('end_conference', printEnd());
    },
  };
}
