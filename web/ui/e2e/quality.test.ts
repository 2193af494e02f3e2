// "Picture quality": how many lines come from others, and how many go to them.

import { inject, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee, type Guest, until } from './guest.ts';

const box = inject('box');
const { guests, open } = cast(box.url);
const desktop = { viewport: { width: 1280, height: 800 } };

async function choose(guest: Guest, quality: 'High' | 'Low'): Promise<void> {
  await guest.page.getByRole('button', { name: 'More' }).click();
  await guest.page.getByRole('menuitem', { name: 'Picture quality' }).click();
  const dialog = guest.page.getByRole('dialog', { name: 'Picture quality' });
  await dialog.getByRole('radio', { name: new RegExp(`^${quality}`) }).check();
  await dialog.getByRole('button', { name: 'Close' }).click();
}

/** Whether pictures of so many lines come, and move. */
async function lines(of: Guest, at: Guest, wanted: number): Promise<void> {
  const frames = async () => (await at.frames())[of.name] ?? 0;
  let seen = 0;
  await until(`${at.name} sees ${of.name} in ${wanted} lines`, 60_000, async () => (seen = await at.height(of.name)) === wanted).catch(async (error: unknown) => {
    throw new Error(`${String(error)}, but in ${seen}`, { cause: error });
  });
  const before = await frames();
  await until(`${at.name} sees ${of.name} move`, 30_000, async () => (await frames()) > before);
}

test('Low halves what comes and what goes; High brings both back; what was chosen is remembered', { timeout: 300_000 }, async () => {
  const room = `${box.url}/few-lines`;
  // Cameras of 360 lines.
  const ada = await open('Ada', desktop, 0);
  await ada.join(room);
  const ben = await open('Ben', desktop, 1);
  await ben.join(room);
  await allSee(guests, 90_000);
  await lines(ben, ada, 360);
  await lines(ada, ben, 360);
  await choose(ada, 'Low');
  await lines(ben, ada, 180);
  await lines(ada, ben, 180);
  await choose(ada, 'High');
  await lines(ben, ada, 360);
  await lines(ada, ben, 360);
  await choose(ada, 'Low');
  await ada.page.getByRole('button', { name: 'Leave meeting' }).click();
  await ada.join(room);
  await allSee(guests, 90_000);
  await lines(ben, ada, 180);
  await lines(ada, ben, 180);
});
