// What getStats says, reduced to what this page uses: diagnostics, tests, and one day a quality
// display in plain words.

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
}

export interface OutboundStats {
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  readonly bytes: number;
  readonly packets: number;
  readonly width: number;
  readonly height: number;
}

export interface PeerStats {
  readonly inbound: readonly InboundStats[];
  readonly outbound: readonly OutboundStats[];
  /** Seconds, of the selected pair; 0 when unknown. */
  readonly roundTrip: number;
  /** Bits per second the congestion control thinks it may send. */
  readonly available: number;
}

type Entry = Readonly<Record<string, unknown>>;

function number(entry: Entry, key: string): number {
  const v = entry[key];
  return typeof v === 'number' ? v : 0;
}

/** Reduces a report, given as its entries. */
export function reduceStats(entries: Iterable<Entry>): PeerStats {
  const inbound: InboundStats[] = [];
  const outbound: OutboundStats[] = [];
  let roundTrip = 0;
  let available = 0;
  for (const e of entries) {
    const kind = e['kind'] === 'audio' ? 'audio' : 'video';
    const common = { kind, ssrc: number(e, 'ssrc'), width: number(e, 'frameWidth'), height: number(e, 'frameHeight') } as const;
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
    }
  }
  return { inbound, outbound, roundTrip, available };
}
