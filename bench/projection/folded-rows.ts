import { edgeReported, noLoad } from '#events';
import { Prng } from '#kernel';
import type { World } from '../../test/replay/world.ts';
import { recordOf } from './events.ts';
import { batchEvents, plainUpserts, type PlainTable } from './plain-upserts.ts';

/** The shape of research/event-sourcing.md 2.2: 200,000 events over 20,000 keys. */
const keys = 20_000;
const incarnation = 1_790_000_000_000;

type Report = Parameters<typeof edgeReported.draft>[0];

/** The reports of many edges, whichever speaks next, with counters that grow. */
function reports(count: number): Report[] {
  const prng = new Prng(7);
  return Array.from({ length: count }, (_, n) => ({
    edgeId: `edge-${prng.nextInteger(0, keys - 1)}`,
    incarnation,
    requests: n * 100,
    hits: n * 95,
    misses: n * 5,
    collapsed: n,
    originFetches: n * 5,
    originErrors: 0,
    bytesServed: n * 1_000_000,
    bytesFromOrigin: n * 50_000,
    objects: n % 1000,
    memoryBytes: (n % 1000) * 10_000,
    ...noLoad,
  }));
}

export async function fillFolded(world: World, count: number): Promise<number> {
  const records = reports(count).map((report, n) => recordOf(edgeReported.draft(report), BigInt(n + 1), 1n));
  for (let at = 0; at < records.length; at += 2000) await world.log.append('edge', records.slice(at, at + 2000));
  return records.length;
}

const counters = ['requests', 'hits', 'misses', 'collapsed', 'originFetches', 'originErrors', 'bytesServed', 'bytesFromOrigin'] as const;
const gauges = ['objects', 'memoryBytes'] as const;
const columns = ['edgeId', 'incarnation', ...counters, ...gauges] as const;

const edgeTable: PlainTable = {
  name: 'plain_edge',
  columns: columns.map((name) => [name, name === 'edgeId' ? 'text' : 'bigint']),
  key: ['edgeId', 'incarnation'],
  set: [...counters.map((name) => `${name} = GREATEST(mine.${name}, excluded.${name})`), ...gauges.map((name) => `${name} = excluded.${name}`)],
};

/** Counters join by maximum, and of the gauges the last stay. */
function folded(batch: readonly Report[]): readonly Report[] {
  const rows = new Map<string, Report>();
  for (const report of batch) {
    const row = { ...report };
    const before = rows.get(report.edgeId);
    if (before !== undefined) for (const name of counters) row[name] = Math.max(before[name], report[name]);
    rows.set(report.edgeId, row);
  }
  return [...rows.values()];
}

/** Folds events that are decoded already; folding counts, as it does for the projection. */
export function plainFolded(url: string, count: number): Promise<number> {
  const all = reports(count);
  const batches = Array.from({ length: count / batchEvents }, (_, batch) => {
    const events = all.slice(batch * batchEvents, (batch + 1) * batchEvents);
    return () => {
      const rows = folded(events);
      return columns.map((name) => rows.map((row) => row[name]));
    };
  });
  return plainUpserts(url, edgeTable, batches);
}
