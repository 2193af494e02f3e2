import { beforeEach, describe, expect, inject, test } from 'vitest';
import { healthy, kill, type ServiceName } from './box.ts';
import { cast } from './cast.ts';
import { allSee, type Guest, longestFreeze, until } from './guest.ts';

const box = inject('box');
let rooms = 0;
const { guests, open } = cast(box.url);

beforeEach(async () => {
  await healthy(box, null, 30_000);
  rooms += 1;
  for (const name of ['Ada', 'Ben', 'Cleo']) {
    const guest = await open(name);
    await guest.join(`${box.url}/fault-${rooms}`);
  }
  await allSee(guests, 30_000);
});

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
