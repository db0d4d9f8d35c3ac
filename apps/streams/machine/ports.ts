import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { exitCodes, PlainFailure, errnoOf } from '../streams.errors.ts';
import { portVariables, type Ports } from '../streams.config.ts';
import { commandNameOf } from './process-identity.ts';

/** Why an address cannot be listened on; undefined when it can. Found out by listening for a moment. */
export function portProblem(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(errnoOf(error) || 'unknown'));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** @throws PlainFailure naming the first port that is taken, who holds it, and the variable that moves it. */
export async function checkPorts(ports: Ports, host: string): Promise<void> {
  const names = Object.keys(ports) as Array<keyof Ports>;
  for (const name of names) {
    const twin = names.find((other) => other !== name && ports[name] !== 0 && ports[other] === ports[name]);
    if (twin !== undefined)
      throw new PlainFailure(`${portVariables[name]} and ${portVariables[twin]} are both ${ports[name]}: give them different ports.`, exitCodes.usage);
  }
  const problems = await Promise.all(names.map((name) => (ports[name] === 0 ? Promise.resolve(undefined) : portProblem(ports[name], host))));
  names.forEach((name, at) => {
    const problem = problems[at];
    if (problem !== undefined) throw new PlainFailure(sentence(portVariables[name], ports[name], host, problem), exitCodes.usage);
  });
}

function sentence(variable: string, port: number, host: string, problem: string): string {
  if (problem === 'EADDRINUSE') {
    const holder = holderOf(port);
    return `Port ${port} is taken${holder === undefined ? '' : ` by ${holder}`}: stop that program, or set ${variable} to a free port.`;
  }
  if (problem === 'EACCES') return `Port ${port} is reserved for the administrator: set ${variable} to a port above 1023.`;
  if (problem === 'EADDRNOTAVAIL') return `This machine has no address ${host}: correct STREAMS_HOST.`;
  return `Port ${port} cannot be used (${problem}): set ${variable} to another port.`;
}

/** The program that listens on a port, as far as this user may know. Linux only. */
export function holderOf(port: number): string | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = list(`/proc/${pid}/fd`).some((fd) => inodes.has(/^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1] ?? ''));
    if (holds) return `${commandNameOf(Number(pid))} (process ${pid})`;
  }
  return undefined;
}

/** proc_net_tcp: the local address ends in the port, hex; state 0A is LISTEN; the tenth column is the inode. */
function listeningInodes(table: string, port: number): readonly string[] {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = text(table).split('\n').slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(hex) && columns[3] === '0A')
    .map((columns) => columns[9] ?? '');
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
