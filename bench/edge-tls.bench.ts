import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BenchOrigin, h2load, wrk, type Round } from './edge/load.ts';
import { installed, startEdge, startNginx, stopped, type Measured } from './edge/processes.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const small = '/bench/1k.m4s';
const large = '/bench/1m.m4s';
const serverCore = 0;
const clientCore = 1;
const megabyte = 1024 * 1024;

interface Pair {
  readonly edge: Measured;
  readonly nginx: Measured | undefined;
}

type Load = (server: Measured) => Promise<Round>;

interface Mode {
  readonly id: string;
  readonly what: string;
  readonly goal: number;
  readonly load: Load;
  /** From requests to what is counted. */
  readonly unit: string;
  readonly each: number;
}

const modes: readonly Mode[] = [
  { id: 'tls13', what: '1 KB hits, HTTP/1.1 over TLS 1.3', goal: 1, load: (server) => wrk(server, small, 1, clientCore, 'https'), unit: '1/CPU-s', each: 1 },
  { id: 'http2', what: '1 KB hits, HTTP/2 over TLS 1.3', goal: 2, load: (server) => h2load(server, small, 1, clientCore), unit: '1/CPU-s', each: 1 },
  {
    id: 'large',
    what: '1 MB hits, HTTP/1.1 over TLS 1.3',
    goal: 1,
    load: (server) => wrk(server, large, 1, clientCore, 'https'),
    unit: 'Gbit/CPU-s',
    each: (megabyte * 8) / 1e9,
  },
];

/** Rounds of a second in turn; the median of the rounds' ratios counts, so that a noisy neighbour meets both sides. */
async function beside(context: BenchContext, { edge, nginx }: Pair, mode: Mode): Promise<void> {
  const perCpuSecond = ({ requests, cpuSeconds }: Round): number => (requests * mode.each) / cpuSeconds;
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= (context.quick ? 5 : 9); round++) {
    const one = perCpuSecond(await mode.load(edge));
    const other = nginx === undefined ? Number.NaN : perCpuSecond(await mode.load(nginx));
    // The first warms up.
    if (round === 0) continue;
    ours.push(one);
    theirs.push(other);
  }
  const rate = quantile(ours, 0.5);
  const ratio = quantile(
    ours.map((one, at) => one / (theirs[at] as number)),
    0.5,
  );
  context.row(mode.what, rate, nginx === undefined ? 'no nginx' : quantile(theirs, 0.5), nginx === undefined ? '' : ratio);
  context.bar(`edge.${mode.id}.rate`, rate, mode.unit, '> 0', true);
  if (nginx !== undefined) context.bar(`edge.${mode.id}.ratio`, ratio, 'x nginx proxy_cache', `>= ${mode.goal}`, ratio >= mode.goal, 1);
}

/** Memory of a process, bytes: what it shares with others counts by its part. */
async function memoryBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) * 1024;
}

const bun = fileURLToPath(new URL('../../node_modules/.bin/bun', import.meta.url));
const clients = fileURLToPath(new URL('edge/idle-clients.main.js', import.meta.url));

interface Idle {
  readonly client: ChildProcess;
  readonly open: number;
}

/** Opens `count` connections that do nothing. */
async function openIdle({ port }: Measured, count: number): Promise<Idle> {
  const client = spawn('taskset', ['-c', String(clientCore), bun, clients, String(port), String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: client.stdout }), 'line')) as [string];
  return { client, open: (JSON.parse(line) as { open: number }).open };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** What idle connections cost, in as many processes of the edge as there have to be: one has no more connections than files. */
async function idleConnections(context: BenchContext, folder: string, originPort: number, certificates: string): Promise<void> {
  const count = context.quick ? 10_000 : 100_000;
  const perProcess = Number(execFileSync('sh', ['-c', 'ulimit -n'])) - 1000;
  const processes = Math.ceil(count / perProcess);
  const [edges, idle]: [Measured[], Idle[]] = [[], []];
  const memory = async (): Promise<number> => sum(await Promise.all(edges.map(({ pid }) => memoryBytes(pid))));
  try {
    for (let at = 0; at < processes; at++) edges.push(await startEdge(join(folder, `idle-${at}`), originPort, serverCore, certificates));
    const before = await memory();
    for (const edge of edges) idle.push(await openIdle(edge, Math.ceil(count / processes)));
    const whole = await memory();
    const open = sum(idle.map((one) => one.open));
    const each = (whole - before) / open;
    const where = processes === 1 ? 'one process' : `${processes} processes, of ${perProcess + 1000} files each`;
    context.row(`${open} idle TLS connections to ${where}`, `${(each / 1024).toFixed(1)} KiB each`, `${(whole / megabyte).toFixed(0)} MB in all`, '');
    context.bar('edge.idle.each', each / 1024, 'KiB', '<= 8', each <= 8 * 1024 && open >= count);
    if (!context.quick) context.bar('edge.idle.whole', whole / megabyte, 'MB', '< 1000', whole < 1000 * megabyte && open >= count);
  } finally {
    for (const { client } of idle) await stopped(client);
    for (const edge of edges) await edge.stop();
  }
}

export const bench: Bench = {
  name: 'edge-tls',
  summary: 'hits over TLS 1.3 and HTTP/2 beside nginx proxy_cache, per CPU-second of the server; memory of idle TLS connections',
  async run(context) {
    for (const program of ['wrk', 'h2load', 'openssl']) if (!(await installed(program))) throw new Error(`The program ${program} is not installed.`);
    const folder = await mkdtemp(join(tmpdir(), 'bench-edge-tls-'));
    const certificates = join(folder, 'certificates');
    await mkdir(certificates);
    const files = ['-keyout', join(certificates, 'default.key'), '-out', join(certificates, 'default.crt')];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', ...files, '-days', '30', '-subj', '/CN=bench'],
      {
        stdio: 'ignore',
      },
    );
    const origin = new BenchOrigin();
    const servers: Measured[] = [];
    try {
      const originPort = await origin.listen();
      const edge = await startEdge(join(folder, 'edge'), originPort, serverCore, certificates);
      servers.push(edge);
      const nginx = (await installed('nginx')) ? await startNginx(join(folder, 'nginx'), originPort, serverCore, false, certificates) : undefined;
      if (nginx !== undefined) servers.push(nginx);
      context.row('hits per CPU-second', 'edge', 'nginx', 'edge is x times that');
      for (const mode of modes) await beside(context, { edge, nginx }, mode);
      await idleConnections(context, folder, originPort, certificates);
    } finally {
      for (const server of servers) await server.stop();
      origin.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
