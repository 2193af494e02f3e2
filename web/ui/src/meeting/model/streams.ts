// Which streams the bridge sends us and whose they are, by SSRC. Filled in one of two ways: by the
// bridge's source maps (SSRC rewriting: a limited set of SSRCs whose owners change), or by the
// focus' source lists (every source keeps its own). Pure.

import type { MappedSource } from '../../xmpp/colibri.ts';
import { addSources, noSources, removeSources, type MediaType, type SourceSet } from '../../xmpp/sources.ts';

export interface Stream {
  readonly media: MediaType;
  readonly ssrc: number;
  readonly rtx: number;
  /** Source name; '' while nobody uses the stream. */
  readonly source: string;
  readonly owner: string;
}

export interface StreamTable {
  readonly mapped: readonly Stream[];
  readonly signalled: SourceSet;
}

export const noStreams: StreamTable = { mapped: [], signalled: noSources };

/** Takes over a map of the bridge: new SSRCs come in, known ones change hands, none goes away. */
export function applyMap(table: StreamTable, media: MediaType, entries: readonly MappedSource[]): StreamTable {
  const bySsrc = new Map(table.mapped.map((s) => [s.ssrc, s]));
  for (const e of entries) {
    // A source is on one SSRC only: it left its former one.
    for (const s of bySsrc.values()) {
      if (s.source === e.source && s.media === media && s.ssrc !== e.ssrc) bySsrc.set(s.ssrc, { ...s, source: '', owner: '' });
    }
    const known = bySsrc.get(e.ssrc);
    bySsrc.set(e.ssrc, { media, ssrc: e.ssrc, rtx: known?.rtx ?? e.rtx, source: e.source, owner: e.owner });
  }
  return { ...table, mapped: [...bySsrc.values()] };
}

export function signal(table: StreamTable, more: SourceSet): StreamTable {
  return { ...table, signalled: addSources(table.signalled, more) };
}

export function unsignal(table: StreamTable, gone: SourceSet): StreamTable {
  const ssrcs = new Set(gone.sources.map((s) => s.ssrc));
  return { ...table, signalled: removeSources(table.signalled, (s) => ssrcs.has(s.ssrc)) };
}

/** Somebody left: the focus does not say so per source. */
export function forget(table: StreamTable, owner: string): StreamTable {
  return {
    mapped: table.mapped.map((s) => (s.owner === owner ? { ...s, source: '', owner: '' } : s)),
    signalled: removeSources(table.signalled, (s) => s.owner === owner),
  };
}

/** What to receive. Of a simulcast source that is its first SSRC, which the bridge forwards all on. */
export function streamsOf(table: StreamTable, me: string): Stream[] {
  const { sources, groups } = table.signalled;
  const secondary = new Set<number>();
  const rtx = new Map<number, number>();
  for (const g of groups) {
    const [first = 0, ...rest] = g.ssrcs;
    if (g.semantics === 'FID' && rest[0] !== undefined) rtx.set(first, rest[0]);
    for (const ssrc of rest) secondary.add(ssrc);
  }
  const signalled = sources
    // The bridge's own streams only carry its feedback.
    .filter((s) => s.owner !== 'jvb' && s.owner !== me && s.owner !== '' && !secondary.has(s.ssrc))
    .map((s): Stream => ({ media: s.media, ssrc: s.ssrc, rtx: rtx.get(s.ssrc) ?? 0, source: s.name, owner: s.owner }));
  const known = new Set(signalled.map((s) => s.ssrc));
  return [...signalled, ...table.mapped.filter((s) => !known.has(s.ssrc))];
}
