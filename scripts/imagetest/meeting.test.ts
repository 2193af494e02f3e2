// Two people meet through a box that runs in an emulated machine, behind a port
// forward. How well is another test's question; here it is whether.
import { allSee, Guest, launch } from '../../web/ui/e2e/guest.ts';

const patience = 150_000;
const url = process.env['MEETBOX_URL'];

test('two people see and hear each other', async () => {
  const browser = await launch();
  const guests = [];
  try {
    for (const name of ['Ada', 'Ben']) {
      const guest = await Guest.open(browser, url, name);
      guest.page.setDefaultTimeout(patience); // a processor in software is slow, on a busy machine very
      guests.push(guest);
      await guest.join(`${url}/booted`);
    }
    await allSee(guests, patience);
    const measure = () => Promise.all(guests.map(async (g) => ({ frames: await g.frames(), energy: await g.energy() })));
    const before = await measure();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const after = await measure();
    guests.forEach((guest, i) => {
      const other = guests[1 - i];
      expect(after[i].frames[other.name] - (before[i].frames[other.name] ?? 0), `frames of ${other.name} at ${guest.name} in 10 s`).toBeGreaterThan(20);
      const louder = Object.entries(after[i].energy).filter(([ssrc, energy]) => energy > (before[i].energy[ssrc] ?? 0));
      expect(louder.length, `voices heard by ${guest.name}`).toBe(1);
      expect(guest.faults, `what must not happen at ${guest.name}`).toEqual([]);
    });
    console.log(JSON.stringify(after));
  } finally {
    await browser.close();
  }
});
