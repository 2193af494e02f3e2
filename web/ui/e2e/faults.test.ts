import { beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { healthy, kill, type ServiceName } from './box.ts';
import { cast } from './cast.ts';
import { allSee, type Guest, longestFreeze, pause, until } from './guest.ts';
import { Writer } from './writer.ts';

const box = inject('box');
let rooms = 0;
const { guests, open } = cast(box.url);

/** Somebody writes until everybody has read one of the lines; returns how long after `since`. */
async function chatWorks(since: number, within: number): Promise<number> {
  const [writer] = guests as [Guest];
  const text = `still here ${since}`;
  await writer.chat(text);
  for (const guest of guests) {
    await until(`${guest.name} reads the chat`, Math.max(0, since + within - Date.now()), () => guest.hasChat(text));
  }
  return Date.now() - since;
}

async function nobodyReloaded(): Promise<void> {
  for (const guest of guests) {
    expect(await guest.reloaded(), `${guest.name}'s page was reloaded`).toBe(false);
    expect((await guest.state()).participants.length, `people at ${guest.name}`).toBe(guests.length);
  }
}

describe('kill -9 in a meeting', () => {
  beforeEach(async () => {
    await healthy(box, null, 60_000);
    rooms += 1;
    for (const name of ['Ada', 'Ben', 'Cleo']) {
      const guest = await open(name);
      await guest.join(`${box.url}/fault-${rooms}`);
    }
    await allSee(guests, 90_000);
  });

  test.each(['focus', 'web'] satisfies ServiceName[])('of %s stops no picture, and chat works within 5 s', async (service) => {
    const watching = longestFreeze(guests, 12_000);
    const killed = await kill(box, service);
    await chatWorks(killed, 5000);
    const freeze = await watching;
    expect(freeze.ms, freeze.where).toBeLessThan(2500);
    await healthy(box, null, 20_000);
    await chatWorks(Date.now(), 5000);
    await nobodyReloaded();
  });

  test('of signaling stops no picture and breaks no connection, and chat works within 10 s', async () => {
    const opened: string[] = [];
    for (const guest of guests) {
      guest.page.on('websocket', (socket) => opened.push(`${guest.name}: ${socket.url()}`));
    }
    const watching = longestFreeze(guests, 15_000);
    const killed = await kill(box, 'signaling');
    await chatWorks(killed, 10_000);
    for (const guest of guests) {
      expect((await guest.state()).phase, guest.name).toBe('joined');
    }
    const freeze = await watching;
    expect(freeze.ms, freeze.where).toBeLessThan(2500);
    // The front door has taken their streams up.
    expect(opened).toEqual([]);
    await nobodyReloaded();
  });

  test('of bridge: pictures and sound are back within 10 s', async () => {
    const before = await Promise.all(guests.map((g) => g.frames()));
    const killed = await kill(box, 'bridge');
    // The old pictures end first; only then do growing numbers mean new ones.
    await Promise.all(
      guests.map(async (guest, i) => {
        let last = await guest.frames();
        await until(`pictures are back at ${guest.name}`, killed + 10_000 - Date.now(), async () => {
          const now = await guest.frames();
          const fresh = guests.every((o) => o === guest || ((now[o.name] ?? 0) > 0 && now[o.name] !== last[o.name] && (now[o.name] ?? 0) !== (before[i]?.[o.name] ?? 0)));
          last = now;
          return fresh && Date.now() - killed > 1500;
        });
      }),
    );
    const freeze = await longestFreeze(guests, 5000);
    expect(freeze.ms, freeze.where).toBeLessThan(3000);
    await chatWorks(Date.now(), 5000);
    await nobodyReloaded();
  });
});

test('a meeting whose signaling is killed again and again misses no line, hears none twice, and no connection breaks', async () => {
  const writers: Writer[] = [];
  onTestFinished(() => writers.forEach((w) => w.leave()));
  for (let i = 0; i < 8; i += 1) writers.push(await Writer.enter(box.url, `told-${rooms}`));
  const said = () => Math.min(...writers.map((w) => w.heard.get(w.nick)?.length ?? 0));
  const writing = setInterval(() => writers.forEach((w) => w.write()), 150);
  onTestFinished(() => clearInterval(writing));
  for (let i = 0; i < 4; i += 1) {
    await pause(Math.random() * 1000); // at whatever moment
    await kill(box, 'signaling');
    const before = said();
    await until('everybody is heard again', 60_000, async () => said() > before + 3);
  }
  clearInterval(writing);
  await until('every line is heard', 60_000, async () => writers.every((w) => writers.every((o) => (w.heard.get(o.nick)?.length ?? 0) >= o.written)));
  for (const w of writers) {
    expect(w.closed, `${w.nick}'s connection is closed`).toBe(false);
    for (const o of writers) {
      expect(w.heard.get(o.nick), `${o.nick}'s lines at ${w.nick}`).toEqual(Array.from({ length: o.written }, (_, n) => n));
    }
  }
});
