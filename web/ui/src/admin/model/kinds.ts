// Answers of the box that the generated api.ts does not have yet.


export interface Certificate { subject: string; names?: string[]; addresses?: string[]; not_before: string; not_after: string; renew_at?: string; sha256: string }
export interface Certificates { authority: Certificate; web: Certificate; xmpp: Certificate }
export interface Check { name: string; ok: boolean; detail: string }
export interface Diagnostics { ok: boolean; checks: Check[] }
export interface LogLine { at: string; service: string; level: 'debug' | 'info' | 'warn' | 'error'; text: string }
export interface Logs { lines: LogLine[] }
export interface Disk { name: string; model: string; size: number; used: boolean }
export interface Disks { installed: boolean; disks: Disk[] }
