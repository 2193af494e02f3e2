// The pages of the console, in the order of the menu.

import type { Role } from '../../api.ts';
import type { ToolName } from '../../../kit/tools.tsx';

export const pages = [
  { name: '', group: 'box', tool: 'home', role: 'viewer' },
  { name: 'meetings', group: 'meetings', tool: 'people', role: 'viewer' },
  { name: 'schedule', group: 'meetings', tool: 'clock', role: 'viewer' },
  { name: 'files', group: 'meetings', tool: 'disk', role: 'viewer' },
  { name: 'checks', group: 'meetings', tool: 'pulse', role: 'viewer' },
  { name: 'diagnostics', group: 'box', tool: 'pulse', role: 'viewer' },
  { name: 'update', group: 'box', tool: 'upload', role: 'viewer' },
  { name: 'backup', group: 'box', tool: 'disk', role: 'owner' },
  { name: 'rooms', group: 'settings', tool: 'grid', role: 'viewer' },
  { name: 'branding', group: 'settings', tool: 'image', role: 'viewer' },
  { name: 'network', group: 'settings', tool: 'network', role: 'viewer' },
  { name: 'certificates', group: 'settings', tool: 'lock', role: 'viewer' },
  { name: 'clock', group: 'settings', tool: 'clock', role: 'viewer' },
  { name: 'people', group: 'access', tool: 'people', role: 'viewer' },
  { name: 'directory', group: 'access', tool: 'key', role: 'viewer' },
  { name: 'changes', group: 'access', tool: 'history', role: 'viewer' },
  { name: 'logs', group: 'access', tool: 'list', role: 'viewer' },
  { name: 'audit', group: 'access', tool: 'shield', role: 'auditor' },
] as const satisfies readonly { name: string; group: string; tool: ToolName; role: Role }[];

export type PageName = (typeof pages)[number]['name'];

export const groups = ['box', 'meetings', 'settings', 'access'] as const;

/** The page that an address means: the one of its first word. */
export function pageOf(path: string): PageName {
  const name = path.split('/')[0] ?? '';
  return pages.find((p) => p.name === name)?.name ?? '';
}
