import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { besideNginx, clientCore, peer, type BesideNginx } from './edge/beside-nginx.ts';
import { askEach, wrk, type Round } from './edge/load.ts';
import type { Measured } from './edge/processes.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const objects = 4000;
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

const diskOf = (folder: string): Readonly<Record<string, string>> => ({
  EDGE_MEMORY_MB: '4',
  EDGE_DISK_DIR: join(folder, 'disk'),
  EDGE_DISK_MB: '512',
});

async function measure(context: BenchContext, { folder, origin, servers }: BesideNginx): Promise<void> {
  const file = join(folder, 'random.lua');
  await writeFile(file, script);
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
  run: (context) => besideNginx('edge-disk', (all) => measure(context, all), diskOf),
};
