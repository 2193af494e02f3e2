// An owner at the console of a booted box: how the machine is, and a new version brought through the page.
// What the versions do to the disk is looked at from outside, by updates in update.go.
import { desktop, look, phone, signIn } from '../../web/ui/e2e/console.ts';
import { launch } from '../../web/ui/e2e/guest.ts';

const patience = 150_000; // a processor in software is slow, on a busy machine very
const restart = 1_500_000;
const { MEETBOX_CONSOLE: url, MEETBOX_OWNER: owner, MEETBOX_PASSWORD: password, MEETBOX_UPDATE: file } = process.env;

test('the owner looks at the machine and brings it a new version', { timeout: 2 * restart }, async () => {
  const browser = await launch();
  try {
    const page = await (await browser.newContext({ ...desktop, ignoreHTTPSErrors: true })).newPage();
    page.setDefaultTimeout(patience);
    await page.goto(`${url}/#/diagnostics`);
    await signIn(page, owner, password);
    const machine = page.getByRole('region', { name: 'Machine' });
    await machine.getByText('QEMU NVMe Ctrl').waitFor();
    for (const fact of ['Storage', 'Memory', /^Network card /, 'Starts', 'Restarts by itself when it hangs']) await machine.getByText(fact).first().waitFor();
    await look(page, 'console-machine-desktop-light', true);

    await page.goto(`${url}/#/update`);
    const running = page.getByRole('region', { name: 'Running now' });
    await running.getByText('A', { exact: true }).waitFor();
    const card = page.getByRole('region', { name: 'Install a new version' });
    await card.getByLabel('Update file').setInputFiles(file);
    await card.getByText('Nobody is in a meeting now.').waitFor();
    await card.getByRole('button', { name: 'Install' }).click();
    await card.getByRole('progressbar').waitFor();
    const underWay = page.getByRole('region', { name: 'Updating to next' });
    await underWay.waitFor({ timeout: restart });
    await look(page, 'console-update-desktop-light', true);
    // It restarts below the open page, which finds its way back and whose owner is still signed in.
    await running.getByText('next', { exact: true }).waitFor({ timeout: restart });
    await underWay.waitFor({ state: 'detached', timeout: restart });
    await running.getByText('B', { exact: true }).waitFor();
    await running.getByText('Done').waitFor();
    await page.setViewportSize(phone.viewport);
    await page.emulateMedia({ colorScheme: 'dark' });
    await look(page, 'console-update-done-phone-dark', true);
  } finally {
    await browser.close();
  }
});
