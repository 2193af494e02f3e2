// Two people meet through a box that runs in an emulated machine, behind a port
// forward. How well is another test's question; here it is whether.
import { allSee, Guest, launch, until } from '../../web/ui/e2e/guest.ts';

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
    for (const [i, guest] of guests.entries()) {
      const other = guests[1 - i].name;
      const seen = async () => ((await guest.frames())[other] ?? 0) - (before[i].frames[other] ?? 0);
      await until(`${other} moves at ${guest.name}`, patience, async () => (await seen()) > 20);
      const heard = async () => Object.entries(await guest.energy()).filter(([ssrc, energy]) => energy > (before[i].energy[ssrc] ?? 0));
      await until(`${guest.name} hears one voice`, patience, async () => (await heard()).length === 1);
    }
    for (const guest of guests) expect(guest.faults, `what must not happen at ${guest.name}`).toEqual([]);
    const after = await measure();
    console.log(JSON.stringify(after));
  } finally {
    await browser.close();
  }
});
