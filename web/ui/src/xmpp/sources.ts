// Media sources: the compact JSON form the focus uses (signaling contract "JSON compact format"),
// and the XML form inside Jingle descriptions.

import { ns } from './ns.ts';
import { child, childrenOf, el, textOf, type Xml } from './xml.ts';

export type MediaType = 'audio' | 'video';

/** One SSRC. Those of one track share name and msid. */
export interface Source {
  readonly media: MediaType;
  readonly ssrc: number;
  /** Source name, ENDPOINT-a0 or ENDPOINT-v1; '' when the sender gave none. */
  readonly name: string;
  /** Endpoint id; '' for one's own. */
  readonly owner: string;
  readonly msid: string;
  readonly screen: boolean;
}

export interface SourceGroup {
  readonly media: MediaType;
  readonly semantics: 'SIM' | 'FID';
  readonly ssrcs: readonly number[];
}

export interface SourceSet {
  readonly sources: readonly Source[];
  readonly groups: readonly SourceGroup[];
}

export const noSources: SourceSet = { sources: [], groups: [] };

/** The endpoint id in a source name, '' when it is none. */
export function ownerOf(sourceName: string): string {
  return /^(.+)-[av]\d+$/.exec(sourceName.split('.')[0] ?? '')?.[1] ?? '';
}

function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}

function isSsrc(v: unknown): v is number {
  return typeof v === 'number' && Number.isInteger(v) && v > 0 && v <= 0xffffffff;
}

function string(v: unknown): string {
  return typeof v === 'string' ? v : '';
}

const semanticsByLetter: Readonly<Record<string, 'SIM' | 'FID'>> = { s: 'SIM', f: 'FID' };

/**
 * Reads {"sources": {owner: [[video], [video groups], [audio], [audio groups]]}}. What is not
 * understood is left out, so that one odd participant does not take everybody's picture away.
 */
export function parseCompact(json: unknown): SourceSet {
  const sources: Source[] = [];
  const groups: SourceGroup[] = [];
  const owners = isObject(json) && isObject(json['sources']) ? json['sources'] : {};
  for (const [owner, lists] of Object.entries(owners)) {
    if (!Array.isArray(lists)) continue;
    const read = (media: MediaType, list: unknown, groupList: unknown) => {
      for (const s of Array.isArray(list) ? list : []) {
        if (!isObject(s) || !isSsrc(s['s'])) continue;
        sources.push({ media, ssrc: s['s'], name: string(s['n']), owner, msid: string(s['m']), screen: s['v'] === 'd' });
      }
      for (const g of Array.isArray(groupList) ? groupList : []) {
        const semantics = Array.isArray(g) ? semanticsByLetter[string(g[0]).toLowerCase()] : undefined;
        if (!semantics) continue;
        const ssrcs = (g as unknown[]).slice(1);
        if (ssrcs.length > 1 && ssrcs.every(isSsrc)) groups.push({ media, semantics, ssrcs });
      }
    };
    read('video', lists[0], lists[1]);
    read('audio', lists[2], lists[3]);
  }
  return { sources, groups };
}

/** The opposite of parseCompact. A group belongs to the owner of its first SSRC. */
export function printCompact(set: SourceSet): { sources: Record<string, unknown[][]> } {
  const out: Record<string, unknown[][]> = {};
  const at = (owner: string): unknown[][] => (out[owner] ??= [[], [], [], []]);
  for (const s of set.sources) {
    const entry: Record<string, unknown> = { s: s.ssrc };
    if (s.name !== '') entry['n'] = s.name;
    if (s.msid !== '') entry['m'] = s.msid;
    if (s.screen) entry['v'] = 'd';
    at(s.owner)[s.media === 'video' ? 0 : 2]?.push(entry);
  }
  for (const g of set.groups) {
    const owner = set.sources.find((s) => s.ssrc === g.ssrcs[0] && s.media === g.media)?.owner;
    if (owner === undefined) continue;
    at(owner)[g.media === 'video' ? 1 : 3]?.push([g.semantics === 'SIM' ? 's' : 'f', ...g.ssrcs]);
  }
  for (const lists of Object.values(out)) {
    while (lists.length > 0 && lists.at(-1)?.length === 0) lists.pop();
  }
  return { sources: out };
}

/** Sources of one Jingle content, wherever the sender put them: in the content or its description. */
export function parseXmlSources(media: MediaType, content: Xml): SourceSet {
  const sources: Source[] = [];
  const groups: SourceGroup[] = [];
  for (const parent of [content, child(content, 'description')]) {
    for (const s of childrenOf(parent, 'source', ns.sources)) {
      const ssrc = Number(s.attrs['ssrc']);
      if (!isSsrc(ssrc)) continue;
      const parameter = childrenOf(s, 'parameter').find((p) => p.attrs['name'] === 'msid');
      const name = s.attrs['name'] ?? '';
      sources.push({
        media,
        ssrc,
        name,
        owner: child(s, 'ssrc-info')?.attrs['owner'] ?? ownerOf(name),
        msid: parameter?.attrs['value'] ?? '',
        screen: s.attrs['videoType'] === 'desktop',
      });
    }
    for (const g of childrenOf(parent, 'ssrc-group', ns.sources)) {
      const semantics = g.attrs['semantics'];
      const ssrcs = childrenOf(g, 'source').map((s) => Number(s.attrs['ssrc']));
      if ((semantics === 'SIM' || semantics === 'FID') && ssrcs.length > 1 && ssrcs.every(isSsrc)) {
        groups.push({ media, semantics, ssrcs });
      }
    }
  }
  return { sources, groups };
}

/** The children of a description that announce own sources of one kind. */
export function printXmlSources(media: MediaType, set: SourceSet): Xml[] {
  return [
    ...set.sources
      .filter((s) => s.media === media)
      .map((s) =>
        el(
          'source',
          ns.sources,
          {
            ssrc: s.ssrc,
            name: s.name === '' ? undefined : s.name,
            videoType: media === 'audio' ? undefined : s.screen ? 'desktop' : 'camera',
          },
          el('parameter', ns.sources, { name: 'msid', value: s.msid }),
        ),
      ),
    ...set.groups
      .filter((g) => g.media === media)
      .map((g) =>
        el('ssrc-group', ns.sources, { semantics: g.semantics }, ...g.ssrcs.map((ssrc) => el('source', ns.sources, { ssrc }))),
      ),
  ];
}

/** Adds and removes sources by SSRC; groups go when one of their SSRCs goes. */
export function addSources(have: SourceSet, more: SourceSet): SourceSet {
  const added = new Set(more.sources.map((s) => s.ssrc));
  const key = (g: SourceGroup) => `${g.semantics} ${g.ssrcs.join(' ')}`;
  const groups = new Map([...have.groups, ...more.groups].map((g) => [key(g), g]));
  return { sources: [...have.sources.filter((s) => !added.has(s.ssrc)), ...more.sources], groups: [...groups.values()] };
}

export function removeSources(have: SourceSet, gone: (source: Source) => boolean): SourceSet {
  const sources = have.sources.filter((s) => !gone(s));
  const left = new Set(sources.map((s) => s.ssrc));
  return { sources, groups: have.groups.filter((g) => g.ssrcs.every((ssrc) => left.has(ssrc))) };
}

/** The JSON of a <json-message/>, or undefined. */
export function parseJsonMessage(x: Xml | undefined): unknown {
  const text = textOf(x);
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
