import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, BenchOrigin, wrk, type Round } from './edge/load.ts';
import { installed, startEdge, startNginx, type Measured } from './edge/processes.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const path = '/bench/1k.m4s';
const serverCore = 0;
const clientCore = 1;
const misses = 1000;

const perCpuSecond = (round: Round): number => round.requests / round.cpuSeconds;

/** Rounds in turn, so that a noisy neighbour meets both; the median of the rounds counts. */
async function hits(context: BenchContext, edge: Measured, nginx: Measured | undefined): Promise<void> {
  const seconds = context.quick ? 2 : 4;
  await wrk(edge, path, 1, clientCore);
  if (nginx !== undefined) await wrk(nginx, path, 1, clientCore);
  const rounds = { edge: [] as Round[], nginx: [] as Round[] };
  for (let round = 0; round < (context.quick ? 2 : 3); round++) {
    rounds.edge.push(await wrk(edge, path, seconds, clientCore));
    if (nginx !== undefined) rounds.nginx.push(await wrk(nginx, path, seconds, clientCore));
  }
  const rate = (all: readonly Round[]): number => quantile(all.map(perCpuSecond), 0.5);
  context.row('1 KB hits, 64 connections', 'per CPU-second', 'p99 at saturation, ms');
  for (const [name, all] of Object.entries(rounds)) {
    if (all.length > 0) context.row(name, rate(all), quantile(all.map((round) => round.p99Ms), 0.5));
  }
  context.bar('edge.hit.rate', rate(rounds.edge), '1/CPU-s', '> 0', true);
  if (nginx === undefined) return context.row('nginx is not installed', 'no ratio', '');
  const ratio = rate(rounds.edge) / rate(rounds.nginx);
  context.bar('edge.hit.ratio', ratio, 'x nginx proxy_cache', '>= 1', ratio >= 1, 1);
}

/** Every client asks before the origin answers; the origin must be asked once. */
async function collapse(context: BenchContext, edge: Measured, origin: BenchOrigin): Promise<void> {
  const gate = Promise.withResolvers<void>();
  origin.gate = gate.promise;
  const before = origin.fetches;
  let releasedMs = 0;
  const whole = await ask(edge.port, '/bench/collapse.m4s', misses, () => {
    setTimeout(() => {
      releasedMs = performance.now();
      gate.resolve();
    }, 500);
  });
  const fetches = origin.fetches - before;
  context.row(`${misses} misses at once`, `${whole} whole answers`, `last ${(performance.now() - releasedMs).toFixed(0)} ms after the origin`);
  context.bar('edge.collapse', fetches, 'origin fetches', '= 1', fetches === 1 && whole === misses);
}

export const bench: Bench = {
  name: 'edge',
  summary: 'hits of 1 KB over HTTP/1.1 beside nginx proxy_cache, requests per CPU-second of the server; 1,000 misses at once',
  async run(context) {
    if (!(await installed('wrk'))) throw new Error('The load generator wrk is not installed: apt-get install wrk.');
    const folder = await mkdtemp(join(tmpdir(), 'bench-edge-'));
    const origin = new BenchOrigin();
    const servers: Measured[] = [];
    try {
      const originPort = await origin.listen();
      const edge = await startEdge(join(folder, 'edge'), originPort, serverCore);
      servers.push(edge);
      const nginx = (await installed('nginx')) ? await startNginx(join(folder, 'nginx'), originPort, serverCore) : undefined;
      if (nginx !== undefined) servers.push(nginx);
      await hits(context, edge, nginx);
      await collapse(context, edge, origin);
    } finally {
      for (const server of servers) await server.stop();
      origin.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
