// Rooms below a tenant's name: apart from those of the same name without it, and kept by invitations.

import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee } from './guest.ts';
import { barriers, fits, shoot } from './look.ts';

const box = inject('box');
const { open } = cast(box.url);
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

test('a tenant has meetings of its own', async () => {
  const ada = await open('Ada', desktop);
  await ada.join(`${box.url}/Hafen-S%C3%BCd/Standup`);
  await ada.page.getByRole('button', { name: 'More' }).click();
  await ada.page.getByRole('menuitem', { name: 'Invite people' }).click();
  const link = `https://${await ada.page.getByRole('dialog', { name: 'Invite people' }).locator('.copy-link-text').innerText()}`;
  expect(decodeURI(link)).toBe(`${box.url}/Hafen-Süd/Standup`);

  // Somebody else may write the tenant in other letters, as rooms.
  const ben = await open('Ben', phone);
  await ben.join(link.toLowerCase().replace('%c3%bc', 'u%CC%88'));
  await allSee([ada, ben], 90_000);

  // In the room of that name without a tenant is nobody.
  await ada.join(`${box.url}/Standup`);
  expect((await ada.state()).participants.map((p) => p.name)).toEqual(['Ada']);

  // The page where meetings begin knows both, and leads back to each.
  await ada.page.goto(box.url);
  const recent = ada.page.getByRole('region', { name: 'Recent rooms' });
  await recent.getByRole('link', { name: /^Standup/ }).waitFor();
  await shoot(ada.page, 'tenant-recent-desktop-light');
  expect(await barriers(ada.page)).toEqual([]);
  await ada.page.setViewportSize(phone.viewport);
  await shoot(ada.page, 'tenant-recent-phone-light');
  expect(await fits(ada.page)).toBe(true);
  await recent.getByRole('link', { name: /^Hafen-Süd\/Standup/ }).click();
  await ada.page.getByRole('button', { name: 'Join meeting' }).waitFor();
  expect(decodeURI(new URL(ada.page.url()).pathname)).toBe('/Hafen-Süd/Standup');
  await ada.page.goBack();
  await recent.waitFor();
});
