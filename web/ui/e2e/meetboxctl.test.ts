// The setup wizard without a browser, as a script for many boxes does it: meetboxctl against the real services.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Box, setupCode, startBox } from './box.ts';
import { withoutPages } from './network.ts';

const bin = process.env['MEETBOX_BIN'] ?? fileURLToPath(new URL('../../../bin', import.meta.url));
let box: Box;
let end: () => Promise<void>;
let folder: string;
withoutPages();

beforeAll(async () => {
  ({ box, stop: end } = await startBox('log-script'));
  folder = await mkdtemp(path.join(tmpdir(), 'mb-ctl-'));
});
afterAll(async () => {
  await end();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly wrong: string;
}

/** Runs a shell script that has meetboxctl in its path. */
function script(text: string, shell = 'sh'): Promise<Ended> {
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder, CONSOLE: box.consoleUrl };
  return new Promise((resolve) => {
    execFile(shell, ['-c', text], { cwd: folder, env, timeout: 120_000 }, (error, out, wrong) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, wrong });
    });
  });
}

test('a box is set up by a script: authority, owner, codes, name, time, network, trust file, test call', async () => {
  // The fingerprint is what the box's screen shows.
  const screen = (await (await fetch(`${box.plainUrl}/trust.json`)).json()) as { readonly sha256: string };
  await writeFile(path.join(folder, 'password'), 'eleven ropes on the deck\n');
  const setup = await script(`
    set -e
    meetboxctl trust -url "$CONSOLE" -fingerprint '${screen.sha256}' authority.crt >trusted.json
    meetboxctl setup -code ${await setupCode(box)} -name Skipper -host skiff -codes codes.txt -trust ca.crt <password
  `);
  expect(setup.wrong).toBe('');
  expect(setup.code).toBe(0);
  const done = JSON.parse(setup.out) as Record<string, unknown>;
  expect(done).toMatchObject({ claimed: true, codes_file: 'codes.txt', name: 'skiff', trust: { file: 'ca.crt', sha256: screen.sha256 }, call: { ok: true } });
  expect(done['recovery']).toBeUndefined();
  expect(Math.abs(Number(done['clock_ahead_ms']))).toBeLessThan(60_000);
  expect(done['clock']).toMatch(/^(?:set|left as it is)/);
  expect(done['network']).toMatch(/./);
  const codes = (await readFile(path.join(folder, 'codes.txt'), 'utf8')).trim().split('\n');
  expect(codes.length).toBe(8);
  expect((await stat(path.join(folder, 'codes.txt'))).mode & 0o777).toBe(0o600);
  expect(await readFile(path.join(folder, 'ca.crt'), 'utf8')).toBe(await readFile(path.join(folder, 'authority.crt'), 'utf8'));

  // It stays as it was set, and the next commands need no password.
  const after = await script('meetboxctl get settings/names; meetboxctl test-call >call.json && echo called');
  expect(after.out).toContain('"host": "skiff"');
  expect(after.out).toContain('called');
  // One of the codes sets a new password, as the wizard promised.
  const recovered = await script(`meetboxctl post session/recover name=Skipper code=${codes[0]} password='twelve ropes on the deck'`);
  expect(recovered.code, recovered.wrong).toBe(0);
  // A second time there is nothing to claim; the file with the codes is not touched.
  const again = await script('meetboxctl setup -code 0000-0000 -name Thief -codes codes.txt <password');
  expect(again.code).toBe(1);
  expect((await readFile(path.join(folder, 'codes.txt'), 'utf8')).trim().split('\n')).toEqual(codes);
  const claimed = await script('meetboxctl claim -code 0000-0000 -name Thief <password');
  expect(claimed.code).toBe(1);
  expect(JSON.parse(claimed.wrong)).toMatchObject({ status: 409, code: 'claimed' });
});

test('shells complete commands and paths', async () => {
  const bash = await script('source <(meetboxctl completion bash); COMP_WORDS=(meetboxctl set-); COMP_CWORD=1; _meetboxctl; echo "${COMPREPLY[*]}"; COMP_WORDS=(meetboxctl get settings/c); COMP_CWORD=2; _meetboxctl; echo "${COMPREPLY[*]}"', 'bash');
  expect(bash.out.split('\n')[0]).toBe('set-clock set-network');
  expect(bash.out.split('\n')[1]?.split(' ')).toEqual(expect.arrayContaining(['settings/certificates', 'settings/clock', 'settings/console']));
  const zsh = await script('meetboxctl completion zsh >_meetboxctl && zsh -n _meetboxctl && zsh -fc "autoload -Uz compinit; compinit -u -d dump; source ./_meetboxctl; whence -w _meetboxctl"');
  expect(zsh.out, zsh.wrong).toContain('_meetboxctl: function');
  const fish = await script(`meetboxctl completion fish >meetboxctl.fish && fish -c 'source meetboxctl.fish; complete -C "meetboxctl set-"; complete -C "meetboxctl get settings/cl"'`);
  expect(fish.out, fish.wrong).toContain("set-clock\tset the box's clock");
  expect(fish.out).toContain('settings/clock');
});
