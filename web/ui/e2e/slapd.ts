// Debian's OpenLDAP on the loopback with some people, for who signs in by a directory.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Box, freeTcp } from './box.ts';

export interface Directory {
  /** ldaps://localhost:PORT; the box's own authority vouches for it. */
  readonly url: string;
  stop(): Promise<void>;
}

export const base = 'dc=example,dc=org';
export const people = `ou=people,${base}`;
export const groups = `ou=groups,${base}`;
/** The account that may search. */
export const reader = { dn: `cn=reader,${base}`, password: 'box and directory' };

export interface Person {
  readonly uid: string;
  readonly name: string;
  readonly password: string;
  readonly group: string;
}

const config = (dir: string, tls: string) => `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${dir}/pid
TLSCertificateFile ${tls}/web.crt
TLSCertificateKeyFile ${tls}/web.key
database mdb
suffix "${base}"
directory ${dir}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.base="${reader.dn}" read by * none
`;

function ldif(all: readonly Person[]): string {
  const entry = (dn: string, ...lines: readonly string[]) => [`dn: ${dn}`, ...lines].join('\n');
  return [
    entry(base, 'objectClass: domain', 'dc: example'),
    entry(reader.dn, 'objectClass: applicationProcess', 'objectClass: simpleSecurityObject', 'cn: reader', `userPassword: ${reader.password}`),
    entry(people, 'objectClass: organizationalUnit', 'ou: people'),
    entry(groups, 'objectClass: organizationalUnit', 'ou: groups'),
    ...all.map((p) =>
      entry(`uid=${p.uid},${people}`, 'objectClass: inetOrgPerson', `uid: ${p.uid}`, `cn: ${p.uid}`, `sn: ${p.uid}`, `displayName: ${p.name}`, `mail: ${p.uid}@example.org`, `userPassword: ${p.password}`),
    ),
    ...[...new Set(all.map((p) => p.group))].map((group) =>
      entry(`cn=${group},${groups}`, 'objectClass: groupOfNames', `cn: ${group}`, ...all.filter((p) => p.group === group).map((p) => `member: uid=${p.uid},${people}`)),
    ),
    '',
  ].join('\n\n');
}

export async function startDirectory(box: Box, all: readonly Person[]): Promise<Directory> {
  const dir = await mkdtemp(path.join(tmpdir(), 'mb-ldap-'));
  const [program, conf, data] = ['slapd', 'conf', 'ldif'].map((name) => path.join(dir, name)) as [string, string, string];
  // A copy: the distribution's own may be confined to the distribution's folders.
  await copyFile('/usr/sbin/slapd', program);
  await chmod(program, 0o700);
  await mkdir(path.join(dir, 'db'));
  await writeFile(conf, config(dir, path.join(box.state, 'run', 'tls')));
  await writeFile(data, ldif(all));
  const filling = spawn(program, ['-T', 'add', '-f', conf, '-l', data], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [filled] = (await once(filling, 'close')) as [number];
  if (filled !== 0) throw new Error(`slapadd ended with ${filled}`);
  const port = await freeTcp();
  const server = spawn(program, ['-f', conf, '-h', `ldaps://127.0.0.1:${port}`, '-d', '0'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(server, 'close');
  const stop = async () => {
    server.kill();
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
  while (!(await listens(port))) {
    if (server.exitCode !== null) {
      await stop();
      throw new Error(`slapd ended with ${server.exitCode}`);
    }
  }
  return { url: `ldaps://localhost:${port}`, stop };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => done(true));
    // It is another program: nothing tells when it listens.
    socket.once('error', () => setTimeout(done, 50, false));
  });
}
