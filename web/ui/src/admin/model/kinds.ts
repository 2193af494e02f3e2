// Answers of the box that the generated api.ts does not have yet.

import type { Network, PortRole } from '../api.ts';

export interface Meetings { people: number; meetings: { room: string; people: number; since: string }[] }
export type UpdatePhase = 'idle' | 'receiving' | 'writing' | 'restarting' | 'trial';
export interface Release { version: string; counter: number }
export interface UpdateResult { release: Release; ok: boolean; reason: string; at: string }
export interface Update { running: Release; slot: string; phase: UpdatePhase; next?: Release; done: number; total: number; detail: string; last?: UpdateResult; floor: number; keys: string[] }
export interface SelfCallStep { name: string; ok: boolean; ms: number; detail: string }
export interface SelfCall { ok: boolean; steps: SelfCallStep[]; audio: number[]; video: number[]; error: string }
export interface Certificate { subject: string; names?: string[]; addresses?: string[]; not_before: string; not_after: string; renew_at?: string; sha256: string }
export interface Certificates { authority: Certificate; web: Certificate; xmpp: Certificate }
export interface PendingNetwork { id: string; network: Network; until: string; seconds: number; from?: string }
export interface Lease { address: string; gateway?: string; dns?: string[]; ntp?: string[]; domain?: string; server: string; begun: string; until: string }
export interface PortStatus { name: string; card: string; vlan?: number; role: PortRole; named: boolean; cable: boolean; mbits?: number; mtu: number; addresses: string[]; gateways: string[]; lease?: Lease; received: number; sent: number; errors: number; problems?: string[] }
export interface NetworkStatus { ports: PortStatus[]; dns: string[]; pending?: PendingNetwork; problems?: string[] }
export interface NamesStatus { name: string; announce: boolean; conflict?: string; records: string; problems?: string[] }
export interface IslandLease { address: string; mac: string; name?: string; until: string }
export interface IslandPortStatus { name: string; address: string; dhcp: boolean; first?: string; last?: string; leases: IslandLease[]; problems?: string[] }
export interface IslandStatus { ports: IslandPortStatus[] }
export type ClockSource = 'build' | 'saved' | 'battery' | 'browser' | 'ntp';
export interface ClockServer { name: string; heard?: string; stratum?: number; offset: number; delay: number; problem?: string }
export interface ClockStatus { now: string; source: ClockSource; trusted: boolean; set?: string; offset: number; servers: ClockServer[]; problem?: string; rtc: boolean }
export interface Check { name: string; ok: boolean; detail: string }
export interface Diagnostics { ok: boolean; checks: Check[] }
export interface LogLine { at: string; service: string; level: 'debug' | 'info' | 'warn' | 'error'; text: string }
export interface Logs { lines: LogLine[] }
export interface Disk { name: string; model: string; size: number; used: boolean }
export interface Disks { installed: boolean; disks: Disk[] }
