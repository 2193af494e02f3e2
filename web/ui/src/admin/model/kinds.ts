// Answers of the box that the generated api.ts does not have yet.

export interface Check { name: string; ok: boolean; detail: string }
export interface Diagnostics { ok: boolean; checks: Check[] }
export interface LogLine { at: string; service: string; level: 'debug' | 'info' | 'warn' | 'error'; text: string }
export interface Logs { lines: LogLine[] }
