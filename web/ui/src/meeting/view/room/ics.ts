// A calendar file of one meeting (RFC 5545), made in the page. Pure.

export interface CalendarEvent {
  /** Unique for ever, and the same for the same meeting. */
  readonly uid: string;
  /** Milliseconds since 1970. */
  readonly begin: number;
  readonly minutes: number;
  readonly made: number;
  readonly title: string;
  readonly description: string;
  readonly link: string;
}

/** RFC 5545 §3.3.11. */
function escape(text: string): string {
  return text.replace(/[\\;,]/g, '\\$&').replace(/\r\n|\r|\n/g, '\\n').replace(/\p{Cc}/gu, '');
}

/** §3.1: lines of at most 75 octets; continuations begin with a blank. No character is cut. */
function fold(line: string): string {
  const encoder = new TextEncoder();
  const out: string[] = [];
  let part = '';
  let octets = 0;
  for (const character of line) {
    const size = encoder.encode(character).length;
    if (octets + size > 75) {
      out.push(part);
      part = ' ';
      octets = 1;
    }
    part += character;
    octets += size;
  }
  return [...out, part].join('\r\n');
}

function utc(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

export function printCalendar(e: CalendarEvent): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Meetbox//Meeting page//EN',
    'BEGIN:VEVENT',
    `UID:${escape(e.uid)}`,
    `DTSTAMP:${utc(e.made)}`,
    `DTSTART:${utc(e.begin)}`,
    `DTEND:${utc(e.begin + e.minutes * 60_000)}`,
    `SUMMARY:${escape(e.title)}`,
    `DESCRIPTION:${escape(e.description)}`,
    `LOCATION:${escape(e.link)}`,
    `URL:${e.link}`,
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  return `${lines.map(fold).join('\r\n')}\r\n`;
}

/** The next full half hour, in the form of a local-time field. */
export function nextSlot(now: number): string {
  const half = 1_800_000;
  const at = new Date(Math.ceil(now / half) * half);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
