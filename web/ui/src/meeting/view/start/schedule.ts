// What is planned on this box, as its /schedule.json tells everybody (docs/console.md). Pure.

export interface Planned {
  readonly id: string;
  readonly room: string;
  readonly title: string;
  readonly host: string;
  /** Milliseconds since 1970. */
  readonly begin: number;
  readonly end: number;
  readonly password: boolean;
  readonly lobby: boolean;
  /** Path of its calendar file, '' without one. */
  readonly calendar: string;
}

export interface Schedule {
  /** The box's time. */
  readonly now: number;
  readonly meetings: readonly Planned[];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Reads the answer; entries that make no sense are left out. */
export function parseSchedule(value: unknown): Schedule {
  const list = typeof value === 'object' && value !== null ? (value as { readonly now?: unknown; readonly meetings?: unknown }) : {};
  const meetings = (Array.isArray(list.meetings) ? (list.meetings as unknown[]) : []).flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const m = entry as Record<string, unknown>;
    const [begin, end] = [Date.parse(text(m['begin'])), Date.parse(text(m['end']))];
    const [room, calendar] = [text(m['room']), text(m['calendar'])];
    if (room === '' || !(begin <= end)) return [];
    return [
      {
        id: text(m['id']),
        room,
        title: text(m['title']) || room,
        host: text(m['host']),
        begin,
        end,
        password: m['password'] === true,
        lobby: m['lobby'] === true,
        // A path of the box's own; nothing else may get into a link.
        calendar: /^\/[\w./-]+$/.test(calendar) && !calendar.startsWith('//') ? calendar : '',
      },
    ];
  });
  const now = Date.parse(text(list.now));
  return { now: Number.isNaN(now) ? 0 : now, meetings: meetings.toSorted((a, b) => a.begin - b.begin) };
}

/** What is not over today by this device's calendar, and when that is nothing, the next ones. */
export function comingUp(schedule: Schedule, most = 6): { readonly today: boolean; readonly meetings: readonly Planned[] } {
  const open = schedule.meetings.filter((m) => m.end > schedule.now);
  const day = new Date(schedule.now).toDateString();
  const today = open.filter((m) => new Date(m.begin).toDateString() === day || m.begin <= schedule.now);
  return today.length > 0 ? { today: true, meetings: today.slice(0, most) } : { today: false, meetings: open.slice(0, 3) };
}
