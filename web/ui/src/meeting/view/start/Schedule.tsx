import { useEffect, useState } from 'preact/hooks';
import { tf } from '../../../i18n/frame.ts';
import { clock, locale } from '../../../i18n/i18n.ts';
import { Icon } from '../../../kit/icons.tsx';
import { go, pathOf } from '../app/route.ts';
import { comingUp, parseSchedule, type Planned, type Schedule as Plan } from './schedule.ts';
import './schedule.css';

const again = 60_000;

/** Today's planned meetings, or the next ones. Nothing when none are planned, or the box does not tell. */
export function Schedule() {
  const [plan, setPlan] = useState<Plan | null>(null);
  useEffect(() => {
    const ended = new AbortController();
    const ask = async () => {
      const answer = await fetch('/schedule.json', { cache: 'no-store', signal: ended.signal });
      if (answer.ok) setPlan(parseSchedule(await answer.json()));
    };
    // A box that restarts is asked again; what was planned before is still planned.
    const look = () => void ask().catch(() => undefined);
    look();
    const timer = setInterval(look, again);
    return () => {
      clearInterval(timer);
      ended.abort();
    };
  }, []);
  if (!plan) return null;
  const { today, meetings } = comingUp(plan);
  if (meetings.length === 0) return null;
  return (
    <section class="schedule" aria-labelledby="schedule-title">
      <h2 id="schedule-title">{tf(today ? 'schedule.today' : 'schedule.next')}</h2>
      <ul class="schedule-list">
        {meetings.map((m) => (
          <Line key={`${m.id} ${m.begin}`} meeting={m} now={plan.now} today={today} />
        ))}
      </ul>
    </section>
  );
}

function Line({ meeting, now, today }: { readonly meeting: Planned; readonly now: number; readonly today: boolean }) {
  const { room, title, host, begin, end, password, lobby, calendar } = meeting;
  const [name = '', tenant] = room.split('/').toReversed(); // as rules name rooms
  const on = begin <= now && now < end;
  const range = tf('schedule.range', { begin: clock(begin), end: clock(end) });
  const day = today ? '' : `${new Intl.DateTimeFormat(locale(), { weekday: 'short', day: 'numeric', month: 'short' }).format(begin)}, `;
  const rules = [host, password ? tf('schedule.password') : '', lobby ? tf('schedule.lobby') : ''].filter(Boolean);
  return (
    <li class={on ? 'schedule-item schedule-on' : 'schedule-item'}>
      <a
        class="schedule-link"
        href={pathOf(name, tenant)}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          go(name, tenant);
        }}
      >
        <span class="schedule-time">
          {on ? <strong>{tf('schedule.now')}</strong> : null} {day}
          {range}
        </span>
        <span class="schedule-title">{title}</span>
        {rules.length > 0 ? <span class="schedule-rules">{rules.join(' · ')}</span> : null}
      </a>
      {calendar === '' ? null : (
        <a class="icon-button icon-button-plain icon-button-small" href={calendar} download aria-label={tf('schedule.calendar', { title })} title={tf('schedule.calendar', { title })}>
          <Icon name="calendar" size={18} />
        </a>
      )}
    </li>
  );
}
