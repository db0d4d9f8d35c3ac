import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { besideNginx, clientCore, peer, type BesideNginx } from './edge/beside-nginx.ts';
import { wrk, type Round } from './edge/load.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

/** The first tens of thousands of requests are compiled beside being answered: nobody restarts a server to measure it. */
const warmUpSeconds = 5;
const goal = 0.6;
const perCpuSecond = (round: Round): number => round.requests / round.cpuSeconds;

/** What is asked for: never the same twice. What the origin lets nobody store goes through for one client alone. */
const kinds = {
  stored: { says: '1 KB, each asked for once, stored', path: 'm' },
  passed: { says: '1 KB, each asked for once, for one client alone', path: 'private' },
} as const;
type Kind = keyof typeof kinds;

interface Asked extends BesideNginx {
  readonly rounds: number;
}

async function measure(kind: Kind, { folder, rounds, servers }: Asked): Promise<Readonly<Record<string, Round[]>>> {
  const results: Record<string, Round[]> = {};
  const file = join(folder, `${kind}.lua`);
  for (let round = 0; round <= rounds; round++) {
    for (const [name, server] of Object.entries(servers)) {
      await writeFile(file, `local n = 0\nrequest = function() n = n + 1 return wrk.format("GET", "/bench/${kinds[kind].path}/${round}/" .. n) end\n`);
      const one = await wrk(server, '/', round === 0 ? warmUpSeconds : 1, clientCore, 'http', file);
      // The first warms up.
      if (round > 0) (results[name] ??= []).push(one);
    }
  }
  return results;
}

function tell(context: BenchContext, kind: Kind, results: Readonly<Record<string, Round[]>>): void {
  const median = (name: string, of: (round: Round, at: number) => number): number => quantile((results[name] ?? []).map(of), 0.5);
  for (const name of Object.keys(results))
    context.row(
      `${name}: ${kinds[kind].says}`,
      median(name, perCpuSecond),
      median(name, (round) => round.p99Ms),
    );
  if (results[peer] === undefined) return context.row('nginx is not installed', 'no ratio', '');
  const ratio = median('edge', (round, at) => perCpuSecond(round) / perCpuSecond(results[peer]?.[at] as Round));
  context.bar(`edge.miss.${kind}.ratio`, ratio, `x ${peer}`, `>= ${goal}`, ratio >= goal, 1);
}

export const bench: Bench = {
  name: 'edge-miss',
  summary: 'misses of 1 KB, stored and not, beside nginx proxy_cache, requests per CPU-second of the server',
  run: (context) =>
    besideNginx('edge-miss', async (all) => {
      context.row('64 connections', 'per CPU-second', 'p99 at saturation, ms');
      const rounds = context.quick ? 5 : 15;
      for (const kind of Object.keys(kinds) as Kind[]) tell(context, kind, await measure(kind, { ...all, rounds }));
    }),
};
