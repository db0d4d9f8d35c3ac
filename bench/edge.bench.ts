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
/** With the settings of its package: the peer of the promise. */
const peer = 'nginx proxy_cache';
/** With the settings that suit small objects best: what nginx can do, and a floor that the edge must not fall below. */
const tunedPeer = 'nginx proxy_cache, tuned';
const tunedGoal = 0.75;

const perCpuSecond = (round: Round): number => round.requests / round.cpuSeconds;

/** The same edge with nothing recorded: what counters by zone, access log and favourites cost. */
const unrecorded = 'edge that records nothing';

/** Rounds of a second in turn; the median over the rounds of the ratio counts, so that a noisy neighbour meets both sides. */
async function hits(context: BenchContext, edge: Measured, peers: Readonly<Record<string, Measured>>): Promise<void> {
  const servers = { edge, ...peers };
  const rounds: Record<string, Round[]> = {};
  for (let round = 0; round <= (context.quick ? 5 : 9); round++) {
    for (const [name, server] of Object.entries(servers)) {
      const one = await wrk(server, path, 1, clientCore);
      // The first warms up.
      if (round > 0) (rounds[name] ??= []).push(one);
    }
  }
  const median = (name: string, of: (round: Round, at: number) => number): number => quantile((rounds[name] ?? []).map(of), 0.5);
  const ratioTo = (name: string): number => median('edge', (round, at) => perCpuSecond(round) / perCpuSecond(rounds[name]?.[at] as Round));
  context.row('1 KB hits, 64 connections', 'per CPU-second', 'edge is x times that', 'p99 at saturation, ms');
  for (const name of Object.keys(servers))
    context.row(
      name,
      median(name, perCpuSecond),
      ratioTo(name),
      median(name, (round) => round.p99Ms),
    );
  context.bar('edge.hit.rate', median('edge', perCpuSecond), '1/CPU-s', '> 0', true);
  context.bar('edge.hit.recorded', ratioTo(unrecorded), `x ${unrecorded}`, '>= 0.9', ratioTo(unrecorded) >= 0.9, 1);
  if (peers[peer] === undefined) return context.row('nginx is not installed', 'no ratio', '', '');
  context.bar('edge.hit.ratio', ratioTo(peer), `x ${peer}`, '>= 1.2', ratioTo(peer) >= 1.2, 1);
  context.bar('edge.hit.ratio.tuned', ratioTo(tunedPeer), `x ${tunedPeer}`, `>= ${tunedGoal}`, ratioTo(tunedPeer) >= tunedGoal, 1);
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
      const bare = await startEdge(join(folder, 'bare'), originPort, serverCore, undefined, { EDGE_TRAFFIC: '0' });
      servers.push(bare);
      const peers: Record<string, Measured> = { [unrecorded]: bare };
      if (await installed('nginx')) {
        for (const [name, tuned] of [
          [peer, false],
          [tunedPeer, true],
        ] as const) {
          const nginx = await startNginx(join(folder, tuned ? 'tuned' : 'plain'), originPort, serverCore, tuned);
          servers.push(nginx);
          peers[name] = nginx;
        }
      }
      await hits(context, edge, peers);
      await collapse(context, edge, origin);
    } finally {
      for (const server of servers) await server.stop();
      origin.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
