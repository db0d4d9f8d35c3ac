import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askEach, BenchOrigin, wrk, type Round } from './edge/load.ts';
import { installed, startEdge, startNginx, type Measured } from './edge/processes.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const objects = 4000;
const [serverCore, clientCore] = [0, 1];
const peer = 'nginx proxy_cache';
/** The first tens of thousands of requests are compiled beside being answered: nobody restarts a server to measure it. */
const warmUpSeconds = 5;
const goal = 1;
const perCpuSecond = (round: Round): number => round.requests / round.cpuSeconds;
/** Any of the objects, as likely as any other: far more than the edge keeps in memory. */
const script = `request = function() return wrk.format("GET", "/bench/16k/" .. math.random(0, ${objects - 1})) end\n`;

/** Brings everything to the disk: what does not fit the memory is seen to come again. */
async function warm({ port }: Measured): Promise<void> {
  const paths = Array.from({ length: objects }, (_, at) => `/bench/16k/${at}`);
  for (let round = 0; round < 4; round++) await askEach(port, paths);
}

async function measure(context: BenchContext): Promise<void> {
  if (!(await installed('wrk'))) throw new Error('The load generator wrk is not installed: apt-get install wrk.');
  const folder = await mkdtemp(join(tmpdir(), 'bench-edge-disk-'));
  const origin = new BenchOrigin();
  const servers: Record<string, Measured> = {};
  try {
    const originPort = await origin.listen();
    const file = join(folder, 'random.lua');
    await writeFile(file, script);
    const env = { EDGE_MEMORY_MB: '4', EDGE_DISK_DIR: join(folder, 'disk'), EDGE_DISK_MB: '512' };
    servers['edge'] = await startEdge(join(folder, 'edge'), originPort, serverCore, undefined, env);
    if (await installed('nginx')) servers[peer] = await startNginx(join(folder, 'nginx'), originPort, serverCore, false);
    for (const server of Object.values(servers)) await warm(server);
    const fetches = origin.fetches;
    const rounds: Record<string, Round[]> = {};
    for (let round = 0; round <= (context.quick ? 5 : 9); round++) {
      for (const [name, server] of Object.entries(servers)) {
        const one = await wrk(server, '/', round === 0 ? warmUpSeconds : 1, clientCore, 'http', file);
        // The first warms up.
        if (round > 0) (rounds[name] ??= []).push(one);
      }
    }
    tell(context, rounds, origin.fetches - fetches);
  } finally {
    for (const server of Object.values(servers)) await server.stop();
    origin.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function tell(context: BenchContext, rounds: Readonly<Record<string, Round[]>>, asked: number): void {
  const median = (name: string, of: (round: Round, at: number) => number): number => quantile((rounds[name] ?? []).map(of), 0.5);
  context.row(`16 KB, any of ${objects}, 64 connections`, 'per CPU-second', 'p99 at saturation, ms');
  for (const name of Object.keys(rounds))
    context.row(
      name,
      median(name, perCpuSecond),
      median(name, (round) => round.p99Ms),
    );
  context.row('asked of the origin meanwhile', asked, '');
  if (rounds[peer] === undefined) return context.row('nginx is not installed', 'no ratio', '');
  const ratio = median('edge', (round, at) => perCpuSecond(round) / perCpuSecond(rounds[peer]?.[at] as Round));
  context.bar('edge.disk.ratio', ratio, `x ${peer}`, `>= ${goal}`, ratio >= goal, 1);
}

export const bench: Bench = {
  name: 'edge-disk',
  summary: "hits of 16 KB from the edge's disk tier beside nginx proxy_cache, requests per CPU-second of the server",
  run: measure,
};
