import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runnable, startNginxPeer, startVarnishPeer } from './cache-tests/peers.ts';
import { findSuite, runSuite, startSuiteOrigin, type Score, type SuiteFiles } from './cache-tests/suite.ts';
import { installed, startEdge, type Measured } from './edge/processes.ts';
import type { Bench, BenchContext } from './harness/index.ts';

const requiredGoal = 155;
const optimalGoal = 90;
/** The edge runs as it comes: no setting is made for the suite. */
const edgeName = 'edge (Bun)';

type Start = (folder: string, originPort: number) => Promise<Measured>;

async function caches(quick: boolean): Promise<readonly (readonly [string, Start])[]> {
  const all: (readonly [string, Start])[] = [[edgeName, (folder, port) => startEdge(folder, port, 0)]];
  if (quick) return all;
  if (await installed('nginx')) all.push(['nginx', startNginxPeer]);
  if (await runnable('varnishd')) all.push(['Varnish', startVarnishPeer]);
  return all;
}

/** Each cache before an origin of its own: the origin counts the requests of a test. */
async function scoreOf(start: Start, folder: string, suite: SuiteFiles): Promise<Score> {
  const origin = await startSuiteOrigin(suite);
  const cache = await start(folder, origin.port);
  try {
    return await runSuite(suite, `http://127.0.0.1:${cache.port}`);
  } finally {
    await cache.stop();
    origin.stop();
  }
}

function report(context: BenchContext, { title, isNewest }: SuiteFiles, scores: ReadonlyMap<string, Score>): void {
  context.row(title, 'required', 'optimal', 'checks answered yes');
  for (const [name, { of, passed }] of scores)
    context.row(name, `${passed.required} of ${of.required}`, `${passed.optimal} of ${of.optimal}`, `${passed.check} of ${of.check}`);
  const edge = scores.get(edgeName) as Score;
  for (const { id, kind, suite, why } of edge.failures) if (kind !== 'check') context.row(`${suite}: ${id}`, kind, '', why);
  const best = (kind: 'required' | 'optimal'): number | undefined => {
    const peers = [...scores].filter(([name]) => name !== edgeName).map(([, score]) => score.passed[kind]);
    return peers.length === 0 ? undefined : Math.max(...peers);
  };
  const { optimal, required } = edge.passed;
  // The goals are of the newer suite; of the older one several tests ask for what was changed since, and their number is another.
  const bar = (kind: 'required' | 'optimal', passed: number, goal: number): void =>
    isNewest
      ? context.bar(`cache-tests.${kind}`, passed, `of ${edge.of[kind]}`, `>= ${goal}`, passed >= goal, best(kind))
      : context.bar(`cache-tests.${kind}.2021`, passed, `of ${edge.of[kind]}`, 'stated', true, best(kind));
  bar('required', required, requiredGoal);
  bar('optimal', optimal, optimalGoal);
}

export const bench: Bench = {
  name: 'cache-tests',
  summary: 'conformance to RFC 9111, 5861 and 9213 by http-cache-tests, beside nginx and Varnish',
  async run(context) {
    const suite = await findSuite();
    const folder = await mkdtemp(join(tmpdir(), 'bench-cache-tests-'));
    try {
      const started = await caches(context.quick);
      const scored = await Promise.all(started.map(async ([name, start], at) => [name, await scoreOf(start, join(folder, String(at)), suite)] as const));
      report(context, suite, new Map(scored));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
