// Messages of the bridge channel. JSON with a colibriClass; what is not understood is `unknown`,
// never an error, because newer bridges may say more.

export interface VideoConstraints {
  readonly lastN?: number;
  readonly selectedSources?: readonly string[];
  readonly onStageSources?: readonly string[];
  readonly defaultConstraints?: { readonly maxHeight: number };
  readonly constraints?: Readonly<Record<string, { readonly maxHeight: number }>>;
}

export interface MappedSource {
  readonly source: string;
  /** Endpoint id; '' when the slot is not in use any more. */
  readonly owner: string;
  readonly ssrc: number;
  /** 0 when there is none. */
  readonly rtx: number;
  readonly screen: boolean;
}

export type BridgeMessage =
  | { readonly kind: 'hello'; readonly version: string }
  | { readonly kind: 'dominant-speaker'; readonly endpoint: string; readonly previous: readonly string[]; readonly silence: boolean }
  | { readonly kind: 'forwarded-sources'; readonly sources: readonly string[] }
  | { readonly kind: 'sender-constraints'; readonly source: string; readonly maxHeight: number }
  | { readonly kind: 'connectivity'; readonly endpoint: string; readonly active: boolean }
  | { readonly kind: 'video-map' | 'audio-map'; readonly mapped: readonly MappedSource[] }
  | { readonly kind: 'endpoint-message'; readonly from: string; readonly payload: Readonly<Record<string, unknown>> }
  | { readonly kind: 'endpoint-stats'; readonly from: string; readonly stats: Readonly<Record<string, unknown>> }
  | { readonly kind: 'connection-stats'; readonly downlink: number }
  /** How much less video the bridge sends because it has too much to do; 0 is all (Meetbox’s own). */
  | { readonly kind: 'video-thinned'; readonly step: number }
  | { readonly kind: 'unknown'; readonly colibriClass: string };

function object(v: unknown): Record<string, unknown> | undefined {
  return typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : undefined;
}

function string(v: unknown): string {
  return typeof v === 'string' ? v : '';
}

function strings(v: unknown): string[] {
  return Array.isArray(v) ? v.filter((s): s is string => typeof s === 'string') : [];
}

function number(v: unknown): number {
  return typeof v === 'number' && Number.isFinite(v) ? v : 0;
}

function mapped(v: unknown): MappedSource[] {
  const out: MappedSource[] = [];
  for (const entry of Array.isArray(v) ? v : []) {
    const m = object(entry);
    const ssrc = number(m?.['ssrc']);
    if (!m || ssrc <= 0) continue;
    // "-1" as text, and numbers below 1, both stand for no retransmission stream.
    const rtx = number(m['rtx']);
    out.push({
      source: string(m['source']),
      owner: string(m['owner']),
      ssrc,
      rtx: Math.max(rtx, 0),
      screen: string(m['videoType']).toLowerCase().startsWith('desktop'),
    });
  }
  return out;
}

/** Reads one text message; undefined when it is no bridge message at all. */
export function parseBridgeMessage(text: string): BridgeMessage | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
  const m = object(json);
  const colibriClass = string(m?.['colibriClass']);
  if (!m || colibriClass === '') return undefined;
  switch (colibriClass) {
    case 'ServerHello':
      return { kind: 'hello', version: string(m['version']) };
    case 'DominantSpeakerEndpointChangeEvent':
      return {
        kind: 'dominant-speaker',
        endpoint: string(m['dominantSpeakerEndpoint']),
        previous: strings(m['previousSpeakers']),
        silence: m['silence'] === true,
      };
    case 'ForwardedSources':
      return { kind: 'forwarded-sources', sources: strings(m['forwardedSources']) };
    case 'SenderSourceConstraints':
      return { kind: 'sender-constraints', source: string(m['sourceName']), maxHeight: number(m['maxHeight']) };
    case 'EndpointConnectivityStatusChangeEvent':
      return { kind: 'connectivity', endpoint: string(m['endpoint']), active: String(m['active']) === 'true' };
    case 'VideoSourcesMap':
      return { kind: 'video-map', mapped: mapped(m['mappedSources']) };
    case 'AudioSourcesMap':
      return { kind: 'audio-map', mapped: mapped(m['mappedSources']) };
    case 'EndpointMessage':
      return { kind: 'endpoint-message', from: string(m['from']), payload: object(m['msgPayload']) ?? {} };
    case 'EndpointStats': {
      const { colibriClass: _, from, ...stats } = m;
      return { kind: 'endpoint-stats', from: string(from), stats };
    }
    case 'ConnectionStats':
      return { kind: 'connection-stats', downlink: number(m['estimatedDownlinkBandwidth']) };
    case 'VideoThinnedEvent':
      return { kind: 'video-thinned', step: number(m['step']) };
    default:
      return { kind: 'unknown', colibriClass };
  }
}

export function printVideoConstraints(c: VideoConstraints): string {
  return JSON.stringify({ colibriClass: 'ReceiverVideoConstraints', ...c });
}

export function printVideoType(sourceName: string, videoType: 'camera' | 'desktop' | 'none'): string {
  return JSON.stringify({ colibriClass: 'SourceVideoTypeMessage', sourceName, videoType });
}

/** to '' is everybody. */
export function printEndpointMessage(to: string, msgPayload: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ colibriClass: 'EndpointMessage', to, msgPayload });
}

/** Our own statistics for all others; quality is 0 to 100, rates are bits per second, losses 0 to 1. */
export function printEndpointStats(s: { readonly quality: number; readonly up: number; readonly down: number; readonly lossUp: number; readonly lossDown: number; readonly roundTrip: number }): string {
  const percent = (share: number) => Math.round(share * 100);
  return JSON.stringify({
    colibriClass: 'EndpointStats',
    connectionQuality: Math.round(s.quality),
    bitrate: { upload: Math.round(s.up / 1000), download: Math.round(s.down / 1000) },
    packetLoss: { total: percent(Math.max(s.lossUp, s.lossDown)), upload: percent(s.lossUp), download: percent(s.lossDown) },
    jvbRTT: Math.round(s.roundTrip * 1000),
  });
}
