// The box under test: the five services from this tree, started as `make run` starts them, with a
// state folder and ports of their own. Killing one is what the fault tests do; the starter brings it
// back, as it does for people.

import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { access, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

export interface Box {
  /** https://localhost:PORT */
  readonly url: string;
  /** http://localhost:PORT */
  readonly plainUrl: string;
  /** https://localhost:PORT of the console */
  readonly consoleUrl: string;
  readonly state: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    box: Box;
  }
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
// Binaries of another folder are for trying one out; normally `make build` has just made these.
const bin = process.env['MEETBOX_BIN'] ?? path.join(root, 'bin');
const results = path.join(root, 'test-results');
// A cold start on a busy machine with two cores, keys and all.
const startTime = 60_000;
const stopTime = 20_000;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { box, stop } = await startBox();
  project.provide('box', box);
  return () => stop();
}

export interface Running {
  readonly box: Box;
  /** Ends it, keeps its logs, and takes its state away. reports: how often its policy was to stop something. */
  stop(reports?: number): Promise<void>;
  /** All of it ends at once, and what a box has in RAM is gone; its state stays. */
  powerCut(): Promise<void>;
  /** After a power cut. Waits until all services are well. */
  powerOn(): Promise<void>;
}

/** A box of its own, for tests that change what all meetings depend on. logs: the folder's name for them. */
export async function startBox(logs = 'log'): Promise<Running> {
  await access(path.join(bin, 'run')).catch(() => {
    throw new Error(`no services in ${bin}: run "make build" first`);
  });
  const state = await mkdtemp(path.join(tmpdir(), 'mb-'));
  const [https, http, admin, media] = [await freeTcp(), await freeTcp(), await freeTcp(), await freeUdp()];
  const box: Box = { url: `https://localhost:${https}`, plainUrl: `http://localhost:${http}`, consoleUrl: `https://localhost:${admin}`, state };
  const env = {
    ...process.env,
    MEETBOX_STATE: state,
    MEETBOX_HTTPS_PORT: String(https),
    MEETBOX_HTTP_PORT: String(http),
    MEETBOX_ADMIN_PORT: String(admin),
    MEETBOX_MEDIA_PORT: String(media),
    MEETBOX_MEDIA_ADDRS: '127.0.0.1',
  };
  let { run, ended } = await powerOn(box, env, logs);
  let off = false;
  return {
    box,
    async powerCut() {
      await cutPower(box, run);
      await ended;
      off = true;
      await rm(path.join(state, 'run'), { recursive: true, force: true });
    },
    async powerOn() {
      ({ run, ended } = await powerOn(box, env, logs));
      off = false;
    },
    async stop(wanted = 0) {
      const reports = off ? wanted : await policyReports(box).catch(() => -1);
      await end(run, ended);
      await keepLogs(state, logs);
      await rm(state, { recursive: true, force: true });
      if (reports !== wanted) throw new Error(`the box counted ${reports} reports of its content security policy`);
    },
  };
}

interface Power {
  readonly run: ChildProcess;
  readonly ended: Promise<unknown>;
}

async function powerOn(box: Box, env: NodeJS.ProcessEnv, logs: string): Promise<Power> {
  const run = spawn(path.join(bin, 'run'), [path.join(root, 'process-compose.yaml')], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [run.stdout, run.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = new Promise<number | null>((resolve) => {
    run.once('close', resolve);
  });
  try {
    await healthy(box, run, startTime);
  } catch (error) {
    await end(run, ended);
    await keepLogs(box.state, logs);
    throw new Error(`the box did not start: ${String(error)}\n${output}\n${await tails(box.state)}`, { cause: error });
  }
  return { run, ended };
}

/** kill -9 of all at once, the supervisors first, so that nothing comes back and nobody says goodbye. */
async function cutPower(box: Box, run: ChildProcess): Promise<void> {
  const pids = (await health(box)).services.flatMap((s) => s.pid ?? []);
  const [first] = pids;
  if (pids.length !== 5 || first === undefined) throw new Error(`not all services run: ${pids.join(' ')}`);
  const parent = Number(/^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${first}/status`, 'utf8'))?.[1]);
  run.kill('SIGSTOP'); // it would have the rest end in good order
  for (const pid of [parent, ...pids]) process.kill(pid, 'SIGKILL');
  run.kill('SIGKILL');
}

/** How often a page told the box that its policy stopped something, since web's last start. */
export async function policyReports(box: Pick<Box, 'state'>): Promise<number> {
  const text = await ask(path.join(box.state, 'run', 'ctl', 'web.sock'), '/metrics');
  return Number(/^web_csp_reports_total (\d+)$/m.exec(text)?.[1] ?? -1);
}

async function end(run: ChildProcess, ended: Promise<unknown>): Promise<void> {
  run.kill('SIGTERM');
  const timer = setTimeout(() => run.kill('SIGKILL'), stopTime);
  await ended;
  clearTimeout(timer);
}

async function keepLogs(state: string, logs: string): Promise<void> {
  await cp(path.join(state, 'log'), path.join(results, logs), { recursive: true, force: true }).catch(() => undefined);
}

async function tails(state: string): Promise<string> {
  const folder = path.join(state, 'log');
  const names = await readdir(folder).catch(() => []);
  const ends = await Promise.all(names.map(async (name) => `--- ${name}\n${(await readFile(path.join(folder, name), 'utf8')).slice(-2000)}`));
  return ends.join('\n');
}

export type ServiceName = 'appliance' | 'signaling' | 'focus' | 'bridge' | 'web';

interface Health {
  readonly ok: boolean;
  readonly services: readonly { readonly name: string; readonly ok: boolean; readonly detail: string; readonly pid?: number }[];
}

async function health(box: Pick<Box, 'state'>): Promise<Health> {
  return JSON.parse(await ask(path.join(box.state, 'run', 'appliance.sock'), '/api/health')) as Health;
}

/** What the box's screen shows while it has no owner. */
export async function setupCode(box: Pick<Box, 'state'>): Promise<string> {
  return (await ask(path.join(box.state, 'run', 'ctl', 'appliance.sock'), '/setup-code')).trim();
}

export const ownerPassword = 'nine small boats at the quay';

/** Becomes the owner of a new box, by its own command-line tool. */
export async function claim(box: Box, name: string): Promise<void> {
  await control(box, ['-name', name, '-code', await setupCode(box)], ['claim'], `${ownerPassword}\n`);
}

/** Changes fields of a section of the settings of a box that was claimed. */
export async function setSection(box: Box, section: string, ...fields: readonly string[]): Promise<void> {
  await control(box, [], ['set', `settings/${section}`, ...fields]);
}

/** Somebody who may open meetings, on a box that was claimed. */
export async function addUser(box: Box, name: string, password: string): Promise<void> {
  await control(box, [], ['post', 'users', `name=${name}`, `password=${password}`]);
}

function control(box: Box, flags: readonly string[], command: readonly string[], input = ''): Promise<void> {
  const where = ['-url', box.consoleUrl, '-ca', path.join(box.state, 'run', 'tls', 'ca.crt'), '-config', path.join(box.state, 'meetboxctl.json')];
  return new Promise((resolve, reject) => {
    const tool = spawn(path.join(bin, 'meetboxctl'), [...where, ...flags, ...command], { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    tool.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    tool.once('error', reject);
    tool.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`meetboxctl ${command.join(' ')}: ${said}`));
    });
    tool.stdin.end(input);
  });
}

function ask(socketPath: string, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // A connection of its own: one that was kept may have ended meanwhile.
    const asking = request({ socketPath, path: url, timeout: 5000, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve(text));
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** Waits until every service says it is well. */
export async function healthy(box: Pick<Box, 'state'>, run: ChildProcess | null, within: number): Promise<void> {
  const until = Date.now() + within;
  let last: unknown = 'no answer';
  while (Date.now() < until) {
    if (run !== null && run.exitCode !== null) throw new Error(`it ended with ${run.exitCode}`);
    try {
      const now = await health(box);
      if (now.ok) return;
      last = now.services.filter((s) => !s.ok).map((s) => `${s.name}: ${s.detail}`);
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
  throw new Error(`not well after ${within / 1000} s: ${String(last)}`);
}

/** kill -9. Returns the time of death. */
export async function kill(box: Box, service: ServiceName): Promise<number> {
  const now = await health(box);
  const pid = now.services.find((s) => s.name === service)?.pid;
  if (!pid) throw new Error(`${service} has no process: ${JSON.stringify(now)}`);
  process.kill(pid, 'SIGKILL');
  return Date.now();
}

export function freeTcp(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Has a service answer nobody until the function that is returned is called. */
export async function pause(box: Box, service: ServiceName): Promise<() => void> {
  const pid = (await health(box)).services.find((s) => s.name === service)?.pid;
  if (!pid) throw new Error(`${service} has no process`);
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}

function freeUdp(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}
