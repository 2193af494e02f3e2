// The people in the room. A Participant object lives as long as the person is here, across
// reconnecting: whoever comes back with the same stats id (random per page) keeps object and place.

import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals-core';

import type { Occupant, SourceInfo } from '../../xmpp/presence.ts';
import type { Participant, Reach } from './types.ts';

export interface Member extends Participant {
  /** Current endpoint id and earlier ones, newest first. Their old media may still be flowing. */
  readonly endpoints: ReadonlySignal<readonly string[]>;
  readonly sources: ReadonlySignal<Readonly<Record<string, SourceInfo>>>;
  readonly jid: string;
  readonly affiliation: string;
  readonly statsId: string;
}

interface Writable extends Member {
  endpoints: Signal<readonly string[]>;
  sources: Signal<Readonly<Record<string, SourceInfo>>>;
  jid: string;
  affiliation: string;
  statsId: string;
  name: Signal<string>;
  moderator: Signal<boolean>;
  level: Signal<number>;
  reach: Signal<Reach>;
  raisedHand: Signal<number>;
  quality: Signal<number>;
  recording: Signal<boolean>;
}

/** Finds the stream of one of these sources among the connections to the bridge. */
export type FindStream = (sources: readonly string[]) => MediaStream | null;

export interface Roster {
  readonly members: ReadonlySignal<readonly Member[]>;
  /** By current endpoint id, or by the stable id of the participant. */
  byEndpoint(endpoint: string): Member | undefined;
  byId(id: string): Member | undefined;
  /** Adds or updates; tells whether the person is new. */
  present(o: Occupant): { readonly member: Member; readonly fresh: boolean };
  leave(endpoint: string): Member | undefined;
  /** After a fresh session: everybody must show up again, or is gone when `settle` is called. */
  expectAll(): void;
  settle(): readonly Member[];
  /** Loudness by endpoint; whoever is not in it is silent. */
  setLevels(levels: ReadonlyMap<string, number>): void;
  setReach(endpoint: string, reach: Reach): void;
  /** 0 to 100, as they say themselves. */
  setQuality(endpoint: string, quality: number): void;
  clear(): void;
}

function audioMuted(sources: Readonly<Record<string, SourceInfo>>): boolean {
  return !Object.entries(sources).some(([name, s]) => /-a\d+$/.test(name) && !s.muted);
}

/** The name of the source behind a picture, when it is there and not muted. */
export function pictureSource(sources: Readonly<Record<string, SourceInfo>>, screen: boolean): string {
  return Object.entries(sources).find(([name, s]) => /-v\d+$/.test(name) && s.screen === screen && !s.muted)?.[0] ?? '';
}

/** cameras: false while no camera's picture is wanted, only shared screens. */
export function createRoster(find: FindStream, cameras: ReadonlySignal<boolean> = signal(true)): Roster {
  const members = signal<readonly Writable[]>([]);
  const missing = new Set<Writable>();

  function create(o: Occupant): Writable {
    const endpoints = signal<readonly string[]>([o.nick]);
    const sources = signal<Readonly<Record<string, SourceInfo>>>(o.sources);
    // A name of an earlier session differs from the present one in the endpoint id only.
    const stream = (screen: boolean): MediaStream | null => {
      const name = pictureSource(sources.value, screen);
      if (name === '') return null;
      return find(endpoints.value.map((endpoint) => endpoint + name.slice(name.lastIndexOf('-'))));
    };
    return {
      id: o.nick,
      local: false,
      endpoints,
      sources,
      jid: o.jid,
      affiliation: o.affiliation,
      statsId: o.statsId,
      name: signal(o.name),
      moderator: signal(false),
      audioMuted: computed(() => audioMuted(sources.value)),
      videoMuted: computed(() => pictureSource(sources.value, false) === ''),
      sharing: computed(() => pictureSource(sources.value, true) !== ''),
      level: signal(0),
      camera: computed(() => (cameras.value ? stream(false) : null)),
      screen: computed(() => stream(true)),
      reach: signal<Reach>('good'),
      raisedHand: signal(0),
      quality: signal(100),
      recording: signal(false),
    };
  }

  function update(m: Writable, o: Occupant): void {
    m.jid = o.jid;
    m.affiliation = o.affiliation;
    m.statsId = o.statsId;
    m.name.value = o.name;
    m.moderator.value = o.role === 'moderator' || o.affiliation === 'owner';
    m.raisedHand.value = o.raisedHand;
    m.recording.value = o.recording;
    if (JSON.stringify(m.sources.value) !== JSON.stringify(o.sources)) m.sources.value = o.sources;
  }

  const current = (endpoint: string) => members.value.find((m) => m.endpoints.value[0] === endpoint);

  return {
    members,
    byEndpoint: current,
    byId: (id) => members.value.find((m) => m.id === id),
    present(o) {
      const known = current(o.nick);
      if (known) {
        missing.delete(known);
        update(known, o);
        return { member: known, fresh: false };
      }
      // Somebody back under a new endpoint id. Only whoever is missing can come back.
      const back = o.statsId === '' ? undefined : [...missing].find((m) => m.statsId === o.statsId);
      if (back) {
        missing.delete(back);
        back.endpoints.value = [o.nick, ...back.endpoints.value].slice(0, 3);
        update(back, o);
        return { member: back, fresh: false };
      }
      const member = create(o);
      update(member, o);
      members.value = [...members.value, member];
      return { member, fresh: true };
    },
    leave(endpoint) {
      const member = current(endpoint);
      if (!member) return undefined;
      missing.delete(member);
      members.value = members.value.filter((m) => m !== member);
      return member;
    },
    expectAll() {
      for (const m of members.value) missing.add(m);
    },
    settle() {
      const gone = [...missing];
      missing.clear();
      if (gone.length > 0) members.value = members.value.filter((m) => !gone.includes(m));
      return gone;
    },
    setLevels(levels) {
      for (const m of members.value) m.level.value = levels.get(m.endpoints.value[0] ?? '') ?? 0;
    },
    setReach(endpoint, reach) {
      const m = current(endpoint);
      if (m) m.reach.value = reach;
    },
    setQuality(endpoint, quality) {
      const m = current(endpoint);
      if (m && quality >= 0 && quality <= 100) m.quality.value = quality;
    },
    clear() {
      missing.clear();
      members.value = [];
    },
  };
}
