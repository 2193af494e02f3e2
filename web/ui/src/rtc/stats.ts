// What getStats says, reduced to what this page uses: diagnostics, tests, and the words and figures
// about the connection.

export interface InboundStats {
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number;
  readonly framesDecoded: number;
  readonly width: number;
  readonly height: number;
  /** Grows with what is heard. */
  readonly audioEnergy: number;
  /** MIME subtype, such as VP8; '' while unknown. */
  readonly codec: string;
}

export interface OutboundStats {
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  readonly bytes: number;
  readonly packets: number;
  readonly width: number;
  readonly height: number;
  readonly codec: string;
}

/** Where the packets go. */
export interface Path {
  /** udp or tcp. */
  readonly protocol: string;
  /** Address and port, '' where the browser keeps them to itself. */
  readonly local: string;
  readonly remote: string;
  readonly relayed: boolean;
}

export interface PeerStats {
  readonly inbound: readonly InboundStats[];
  readonly outbound: readonly OutboundStats[];
  /** Seconds, of the selected pair; 0 when unknown. */
  readonly roundTrip: number;
  /** Bits per second the congestion control thinks it may send. */
  readonly available: number;
  /** Share of what we sent that was lost lately, as the bridge reports it: 0 to 1. */
  readonly sentLoss: number;
  readonly path: Path | null;
}

type Entry = Readonly<Record<string, unknown>>;

function number(entry: Entry, key: string): number {
  const v = entry[key];
  return typeof v === 'number' ? v : 0;
}

function text(entry: Entry | undefined, key: string): string {
  const v = entry?.[key];
  return typeof v === 'string' ? v : '';
}

function address(candidate: Entry | undefined): string {
  const ip = text(candidate, 'address');
  return candidate === undefined || ip === '' ? '' : `${ip.includes(':') ? `[${ip}]` : ip}:${number(candidate, 'port')}`;
}

/** Reduces a report, given as its entries. */
export function reduceStats(list: Iterable<Entry>): PeerStats {
  const entries = [...list];
  const byId = new Map(entries.map((e) => [text(e, 'id'), e]));
  const codecOf = (e: Entry) => text(byId.get(text(e, 'codecId')), 'mimeType').replace(/^\w+\//, '');
  let path: Path | null = null;
  let sentLoss = 0;
  const inbound: InboundStats[] = [];
  const outbound: OutboundStats[] = [];
  let roundTrip = 0;
  let available = 0;
  for (const e of entries) {
    const kind = e['kind'] === 'audio' ? 'audio' : 'video';
    const common = { kind, ssrc: number(e, 'ssrc'), width: number(e, 'frameWidth'), height: number(e, 'frameHeight'), codec: codecOf(e) } as const;
    if (e['type'] === 'inbound-rtp') {
      inbound.push({
        ...common,
        bytes: number(e, 'bytesReceived'),
        packets: number(e, 'packetsReceived'),
        lost: number(e, 'packetsLost'),
        framesDecoded: number(e, 'framesDecoded'),
        audioEnergy: number(e, 'totalAudioEnergy'),
      });
    } else if (e['type'] === 'outbound-rtp') {
      outbound.push({ ...common, bytes: number(e, 'bytesSent'), packets: number(e, 'packetsSent') });
    } else if (e['type'] === 'candidate-pair' && e['state'] === 'succeeded' && e['nominated'] === true) {
      roundTrip = number(e, 'currentRoundTripTime');
      available = number(e, 'availableOutgoingBitrate');
      const [local, remote] = [byId.get(text(e, 'localCandidateId')), byId.get(text(e, 'remoteCandidateId'))];
      path = { protocol: text(local, 'protocol'), local: address(local), remote: address(remote), relayed: text(local, 'candidateType') === 'relay' };
    } else if (e['type'] === 'remote-inbound-rtp') {
      sentLoss = Math.max(sentLoss, number(e, 'fractionLost'));
    }
  }
  return { inbound, outbound, roundTrip, available, sentLoss, path };
}
