// Forms of the console: what is wrong is said beside the field, tied to it for screen readers, and what was
// typed stays. Two owners who have the same thing open; and the browsers in which somebody is signed in.

import type { Locator, Page } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { cast } from './cast.ts';
import { desktop, look, own, phone } from './console.ts';
import { until } from './guest.ts';

const box = inject('box');
const { open } = cast(box.consoleUrl);
const patience = { timeout: 300_000 };

type Typed = readonly [label: string, text: string, said?: RegExp];

interface Form {
  readonly page: string;
  /** The button that opens it, which is the dialog's name too; otherwise it is a part of the page. */
  readonly dialog?: string;
  readonly region?: string;
  /** A button in it that makes more fields. */
  readonly more?: string;
  readonly submit: string;
  /** What is typed; with what is said of it, or nothing where it is right. */
  readonly fields: readonly Typed[];
}

const forms: readonly Form[] = [
  {
    page: 'network',
    region: 'Names',
    submit: 'Save',
    fields: [
      ['Name of the box', 'two_words', /^Give one word/],
      ['Further names', 'meet.example.org, NOT A NAME!', /^Give a host name in lower case/],
    ],
  },
  {
    page: 'people',
    dialog: 'Add an account',
    submit: 'Add an account',
    fields: [
      ['Name', 'Ben/Ops', /^Give a name of 1 to 64/],
      ['Password', 'too short', /^Take at least 10/],
    ],
  },
  {
    page: 'people',
    dialog: 'Change password',
    submit: 'Save',
    fields: [
      ['Present password', 'what it never was'],
      ['New password', 'aaaaaaaaaaaa', /^These are the same few/],
    ],
  },
  {
    page: 'people',
    dialog: 'Make a token',
    submit: 'Make a token',
    fields: [
      ['What it is for', 'fleet'],
      ['Scopes', 'Every Thing', /^A scope is the word/],
      ['Days until it expires (0: never)', '99999', /^Give 1 to 3650 days/],
    ],
  },
  {
    page: 'rooms',
    dialog: 'Add a user',
    submit: 'Save',
    fields: [
      ['Name', 'Oslo Room!', /./],
      ['Password', 'three words here'],
    ],
  },
  {
    page: 'schedule',
    dialog: 'Plan a meeting',
    submit: 'Save',
    fields: [
      ['Title', '   ', /^Give the meeting a title/],
      ['Room', 'A B', /./],
      ['Minutes', '1', /^Give a length from 5 minutes/],
      ['Who invites', 'Harbour office'],
    ],
  },
  {
    page: 'directory',
    region: 'Where people are known',
    submit: 'Save',
    fields: [
      ['Server', 'http://dc.example.org', /^Give ldaps:\/\//],
      ['Where people are (base DN)', 'people', /^Give/],
      ['The box’s own account there', 'cn=meetbox,dc=example,dc=org'],
      ['Provider', 'login.example.org', /^Give the provider’s address|^Give the provider's address/],
    ],
  },
  {
    page: 'certificates',
    region: 'Use your own certificate',
    submit: 'Check and use',
    fields: [
      ['Or the certificate with its chain (PEM)', 'not a certificate', /./],
      ['Its key (PEM)', 'nor a key'],
    ],
  },
  {
    page: 'branding',
    region: 'Name, logo and colour',
    more: 'Add a link',
    submit: 'Save',
    fields: [
      ['Name of the service', 'Harbour'],
      ['Colour', 'green', /^Give a colour/],
      ['Text of link 1', '', /^Say what the link leads to/],
      ['Address of link 1', 'javascript:alert(1)', /^Give an address as in https:/],
    ],
  },
  {
    page: 'backup',
    region: 'Backup',
    submit: 'Download a backup',
    fields: [['Passphrase', 'too short', /^Take at least 12/]],
  },
];

/** What a screen reader says after the field's name and value. */
async function described(page: Page, field: Locator): Promise<string> {
  const ids = (await field.getAttribute('aria-describedby')) ?? '';
  return (await Promise.all(ids.split(' ').filter(Boolean).map((id) => page.locator(`[id="${id}"]`).textContent()))).join(' ');
}

async function visit(page: Page, where: string): Promise<void> {
  await page.goto(`${box.consoleUrl}/#/${where}`);
  await page.reload(); // nothing is left of another form's draft
  await page.getByRole('heading', { level: 1 }).and(page.locator('.page h1')).waitFor();
}

test('each form says what is wrong beside the field, and keeps what was typed', patience, async () => {
  const { page } = await open('owner', desktop);
  await own(page, box);
  for (const form of forms) {
    const where = `${form.page}, ${form.dialog ?? form.region ?? ''}`;
    await visit(page, form.page);
    if (form.dialog !== undefined) await page.getByRole('button', { name: form.dialog, exact: true }).click();
    const scope = form.dialog === undefined ? page.getByRole('region', { name: form.region ?? '', exact: true }) : page.getByRole('dialog', { name: form.dialog });
    if (form.more !== undefined) await scope.getByRole('button', { name: form.more }).click();
    for (const [label, text] of form.fields) await scope.getByLabel(label, { exact: true }).fill(text);
    await scope.getByRole('button', { name: form.submit, exact: true }).click();
    const [first] = form.fields.find(([, , said]) => said !== undefined) ?? [''];
    await until(`${where}: ${first} has the focus`, 30_000, () => scope.getByLabel(first, { exact: true }).evaluate((field) => field === document.activeElement && field.ariaInvalid === 'true'));
    for (const [label, text, said] of form.fields) {
      const field = scope.getByLabel(label, { exact: true });
      expect(await field.inputValue(), `${where}: ${label} keeps what was typed`).toBe(text);
      expect(await field.getAttribute('aria-invalid'), `${where}: ${label}`).toBe(said === undefined ? null : 'true');
      expect(await described(page, field), `${where}: ${label}`).toMatch(said ?? /^/);
    }
    if (form.page === 'schedule') await look(page, 'console-form-schedule-desktop-light');
    // Who mends it is not told of it any more.
    if (form.page === 'people') {
      await scope.getByLabel(first, { exact: true }).fill('something else');
      await until(`${where}: ${first} is mended`, 30_000, async () => (await scope.getByLabel(first, { exact: true }).getAttribute('aria-invalid')) === null);
    }
  }
});

test('two owners have the same account, and the same plan, open: a choice, no loss', patience, async () => {
  const first = (await open('first', desktop)).page;
  await own(first, box);
  try {
    await collide(first);
  } finally {
    // Others use this box, too.
    await first.evaluate(async () => {
      await fetch('/api/v1/accounts/Quay', { method: 'DELETE' });
      const { meetings } = (await (await fetch('/api/v1/schedule')).json()) as { meetings: { id: string; meeting: { title: string } }[] };
      for (const { id, meeting } of meetings) if (meeting.title === 'Tide tables') await fetch(`/api/v1/schedule/${id}`, { method: 'DELETE', headers: { 'If-Match': '*' } });
    });
  }
});

async function collide(first: Page): Promise<void> {
  const second = (await open('second', phone)).page;
  await own(second, box);

  await visit(first, 'people');
  await first.getByRole('button', { name: 'Add an account' }).click();
  const add = first.getByRole('dialog', { name: 'Add an account' });
  await add.getByLabel('Name', { exact: true }).fill('Quay');
  await add.getByLabel('Role').selectOption('viewer');
  await add.getByLabel('Password', { exact: true }).fill('four chairs and a plant');
  await add.getByRole('button', { name: 'Add an account' }).click();
  await add.waitFor({ state: 'hidden' });
  await visit(first, 'schedule');
  await first.getByRole('button', { name: 'Plan a meeting' }).click();
  const plan = first.getByRole('dialog', { name: 'Plan a meeting' });
  await plan.getByLabel('Title').fill('Tide tables');
  await plan.getByRole('button', { name: 'Save' }).click();
  await plan.waitFor({ state: 'hidden' });

  for (const [where, name, label, put, mine, theirs] of [
    ['people', 'Quay', 'Role', 'selectOption', 'admin', 'operator'],
    ['schedule', 'Tide tables', 'Who invites', 'fill', 'Mine', 'Theirs'],
  ] as const) {
    for (const page of [first, second]) {
      await visit(page, where);
      await page.getByRole('button', { name: new RegExp(`^Change ${name}`) }).click();
      await page.getByRole('dialog').getByLabel(label, { exact: true }).waitFor();
    }
    const write = (page: Page, value: string) => page.getByRole('dialog').getByLabel(label, { exact: true })[put](value);
    await write(first, theirs);
    await first.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await first.getByRole('dialog').waitFor({ state: 'hidden' });
    await write(second, mine);
    await second.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await second.getByRole('dialog').getByText('Somebody else changed this').waitFor();
    expect(await second.getByRole('dialog').getByLabel(label, { exact: true }).inputValue(), 'what was typed').toBe(mine);
    if (where === 'people') await look(second, 'console-account-conflict-phone-dark');
    // Now they know, and may have it their way.
    await until('it is saved', 30_000, async () => {
      await second.getByRole('dialog').getByRole('button', { name: 'Save' }).click({ timeout: 2000 }).catch(() => undefined);
      return (await second.getByRole('dialog').count()) === 0;
    });
    await visit(first, where);
    await first.getByRole('button', { name: new RegExp(`^Change ${name}`) }).click();
    expect(await first.getByRole('dialog').getByLabel(label, { exact: true }).inputValue()).toBe(mine);
    await first.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  }
}

test('who is signed in where is listed, and signed out from there', patience, async () => {
  const { page } = await open('desk', desktop);
  await own(page, box);
  const lost = (await open('lost', { ...phone, userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1' })).page;
  await own(lost, box);
  await visit(lost, 'people');
  await visit(page, 'people');
  const list = page.getByRole('table', { name: 'Signed-in browsers' });
  const row = list.getByRole('row').filter({ hasText: 'Safari · iPhone' });
  await row.getByRole('button', { name: /^Sign out Workshop at / }).click();
  await row.waitFor({ state: 'detached' });
  await list.getByRole('row').filter({ hasText: 'This one' }).waitFor();
  await lost.reload();
  await lost.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
  await visit(page, 'audit');
  await page.getByLabel('Filter').fill('signed out');
  await page.getByRole('table', { name: 'Lines' }).getByRole('row').filter({ hasText: 'Workshop' }).first().waitFor();
});
