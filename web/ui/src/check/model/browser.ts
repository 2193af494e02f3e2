// Which browser this is, and what people should know about it.

import type { Result } from './probe.ts';

export interface Browser {
  /** Its name and version, as people know it; '' for an unknown one. */
  readonly name: string;
  /** Older than what meetings were tried with. */
  readonly old: boolean;
  readonly phone: boolean;
}

const known = [
  ['Edge', /Edg(?:A|iOS)?\/(\d+)/, 110],
  ['Firefox', /(?:Firefox|FxiOS)\/(\d+)/, 115],
  ['Chrome', /(?:Chrome|CriOS)\/(\d+)/, 110],
  ['Safari', /Version\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari/, 16],
] as const;

export function readBrowser(agent: string): Browser {
  const phone = /Android|iPhone|iPad|Mobile/.test(agent);
  for (const [name, pattern, oldest] of known) {
    const version = pattern.exec(agent)?.[1];
    if (version !== undefined) return { name: `${name} ${version}`, old: Number(version) < oldest, phone };
  }
  return { name: '', old: false, phone };
}

export async function checkBrowser(): Promise<Result> {
  const { name, old } = readBrowser(navigator.userAgent);
  const detail = name === '' ? navigator.userAgent.slice(0, 200) : name;
  const able = 'RTCPeerConnection' in window && navigator.mediaDevices !== undefined && 'WebSocket' in window;
  if (!able) return { outcome: 'bad', code: 'X09', detail, values: { name: name || '?' } };
  const video = RTCRtpReceiver.getCapabilities('video')?.codecs.some((c) => /vp8|h264/i.test(c.mimeType));
  if (old || video === false) return { outcome: 'warn', code: 'X01', detail, values: { name: name || '?' } };
  return { outcome: 'good', code: 'X00', detail, values: { name: name || '?' } };
}

export type Hint = 'ios' | 'android' | 'mac' | 'battery' | 'local';

/** What is often in the way on such a device. */
export function hintsFor(agent: string): readonly Hint[] {
  const out: Hint[] = [];
  if (/iPhone|iPad/.test(agent)) out.push('ios');
  else if (/Android/.test(agent)) out.push('android');
  else if (/Mac OS X/.test(agent)) out.push('mac');
  if (/Android|iPhone|iPad|Mobile/.test(agent)) out.push('battery');
  if (/Chrome\/(?:1[4-9]\d|[2-9]\d\d)/.test(agent)) out.push('local');
  return out;
}
