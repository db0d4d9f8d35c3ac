import { tagSelector, PurgeFleet, type PurgeData } from '../apps/edge/purge/purge-fleet.fixture.ts';
import { PurgeRounds } from '../apps/edge/purge/purge-rounds.fixture.ts';
import { purgePartMax } from '#events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const edges = 8;
const everyMs = 50;
const goals = { p50Ms: 50, p99Ms: 150, perSecond: 10_000 };
const all = Array.from({ length: edges }, (_, at) => at);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** `--rounds=200`: rounds with kills and stand-stills, in place of the few of a quick run. */
function roundsAsked(quick: boolean): number {
  const asked = process.argv.find((word) => word.startsWith('--rounds='));
  return asked === undefined ? (quick ? 12 : 200) : Number(asked.slice('--rounds='.length));
}

/** A few hundred requests a second over all edges, so that purges meet edges at work. */
async function lightLoad(fleet: PurgeFleet, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await Promise.all(all.map((at) => fetch(`http://127.0.0.1:${fleet.edges[at]?.port}/load/${(round + at) % 50}`).then((response) => response.text())));
    await pause(20);
  }
}

/** From a purge handed to the log until the last of all edges has applied it, and until that is seen on the log. */
async function latency(context: BenchContext, fleet: PurgeFleet): Promise<void> {
  const count = context.quick ? 100 : 400;
  const stop = new AbortController();
  const loading = lightLoad(fleet, stop.signal);
  const askedMs: number[] = [];
  for (let at = 0; at < count; at++) {
    askedMs.push(Date.now());
    await fleet.purge([{ purgeId: `pg-l-${at}`, urls: [], selectors: [tagSelector(`tag-load-${at % 50}`)], reason: '' }]);
    await pause(everyMs);
  }
  await fleet.acknowledgedBy(`pg-l-${count - 1}`, all);
  for (let at = 0; at < count; at++) await fleet.acknowledgedBy(`pg-l-${at}`, all);
  stop.abort();
  await loading;
  const last = (of: 'appliedAtMs' | 'seenAtMs'): number[] =>
    askedMs.map((startedMs, at) => Math.max(...all.map((edge) => fleet.acknowledged(`pg-l-${at}`, edge)?.[of] ?? Number.NaN)) - startedMs);
  const [applied, seen] = [last('appliedAtMs'), last('seenAtMs')];
  context.row('tag purge to 8 edges under light load, ms', 'p50', 'p99', 'max');
  context.row('applied by the last edge', quantile(applied, 0.5), quantile(applied, 0.99), quantile(applied, 1));
  context.row('seen on the log from all', quantile(seen, 0.5), quantile(seen, 0.99), quantile(seen, 1));
  const [p50, p99] = [quantile(applied, 0.5), quantile(applied, 0.99)];
  context.bar('purge.edges8.p50', p50, 'ms', `<= ${goals.p50Ms}`, p50 <= goals.p50Ms);
  context.bar('purge.edges8.p99', p99, 'ms', `<= ${goals.p99Ms}`, p99 <= goals.p99Ms);
}

/** Tag purges in events of a thousand, as a batch makes them, until every edge has acknowledged the last. */
async function rate(context: BenchContext, fleet: PurgeFleet): Promise<void> {
  const events = context.quick ? 50 : 200;
  const purges = Array.from({ length: events }, (_, at): PurgeData => {
    const selectors = Array.from({ length: purgePartMax }, (_each, tag) => tagSelector(`tag-${at}-${tag}`));
    return { purgeId: `pg-r-${at}`, urls: [], selectors, reason: '' };
  });
  const startedMs = performance.now();
  for (let at = 0; at < events; at += 10) await fleet.purge(purges.slice(at, at + 10));
  for (const { purgeId } of purges) await fleet.acknowledgedBy(purgeId, all);
  const perSecond = (events * purgePartMax) / ((performance.now() - startedMs) / 1000);
  context.row(`${events * purgePartMax} tag purges, applied and acknowledged by 8 edges, 1/s`, Math.round(perSecond), '', '');
  context.bar('purge.tags.rate', Math.round(perSecond), '1/s', `>= ${goals.perSecond}`, perSecond >= goals.perSecond);
}

async function rounds(context: BenchContext, fleet: PurgeFleet): Promise<void> {
  const report = await new PurgeRounds(fleet, Date.now() % 100_000).run(roundsAsked(context.quick));
  const what = `${report.rounds} rounds, ${report.kills} kills, ${report.partitions} stand-stills, ${report.answers} answers: older than their purge`;
  context.row(what, report.stale.length, '', '');
  for (const stale of report.stale.slice(0, 10)) context.row(stale, '', '', '');
  context.bar('purge.stale', report.stale.length, 'answers', '0', report.stale.length === 0);
}

export const bench: Bench = {
  name: 'purge',
  summary: 'tag purges to 8 edges over the log: latency, rate, and stale answers while a minority is killed or stands still (--rounds=200)',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-purge-'));
    const fleet = new PurgeFleet(folder);
    try {
      await fleet.open(edges);
      await latency(context, fleet);
      await rate(context, fleet);
      await rounds(context, fleet);
    } finally {
      await fleet.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
