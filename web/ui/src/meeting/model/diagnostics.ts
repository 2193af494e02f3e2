// A read-only view of a meeting for people who look into the browser's console, and for tests:
// `window.meetbox`. Plain values, made when asked for; nothing can be changed through it.

import { reduceStats, type PeerStats } from '../../rtc/stats.ts';
import type { Inside } from './options.ts';
import type { Meeting } from './types.ts';

export interface ParticipantState {
  readonly id: string;
  readonly local: boolean;
  readonly name: string;
  readonly moderator: boolean;
  readonly audioMuted: boolean;
  readonly videoMuted: boolean;
  readonly sharing: boolean;
  readonly level: number;
  /** Id of the track shown, '' for none. */
  readonly camera: string;
  readonly screen: string;
  readonly reach: string;
}

export interface State {
  readonly room: string;
  readonly phase: string;
  readonly why: string;
  /** Our endpoint id. */
  readonly endpoint: string;
  /** The connection to the bridge: none, connecting, connected or interrupted. */
  readonly media: string;
  readonly participants: readonly ParticipantState[];
  readonly dominantSpeaker: string | null;
  readonly chat: readonly { readonly from: string; readonly text: string; readonly own: boolean; readonly delivery: string }[];
  readonly unread: number;
}

export interface Diagnostics {
  state(): State;
  /** One entry per connection to a bridge; two during a move, the newer first. */
  stats(): Promise<readonly PeerStats[]>;
}

function trackId(stream: MediaStream | null): string {
  return stream?.getTracks()[0]?.id ?? '';
}

export function diagnostics(meeting: Meeting, inside: Inside): Diagnostics {
  return {
    state() {
      const phase = meeting.phase.peek();
      return {
        room: meeting.room,
        phase: phase.at,
        why: 'why' in phase ? phase.why : '',
        endpoint: inside.endpoint(),
        media: inside.media(),
        participants: meeting.participants.peek().map((p) => ({
          id: p.id,
          local: p.local,
          name: p.name.peek(),
          moderator: p.moderator.peek(),
          audioMuted: p.audioMuted.peek(),
          videoMuted: p.videoMuted.peek(),
          sharing: p.sharing.peek(),
          level: p.level.peek(),
          camera: trackId(p.camera.peek()),
          screen: trackId(p.screen.peek()),
          reach: p.reach.peek(),
        })),
        dominantSpeaker: meeting.dominantSpeaker.peek(),
        chat: meeting.chat.peek().map(({ from, text, own, delivery }) => ({ from, text, own, delivery })),
        unread: meeting.unread.peek(),
      };
    },
    async stats() {
      const reports = await inside.stats();
      return reports.map((r) => reduceStats([...r.values()] as Record<string, unknown>[]));
    },
  };
}
