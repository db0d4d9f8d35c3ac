import { topicPartitions } from '#events';
import { canonicalText, partitionOf, type TableSpec } from '#kernel';
import { eventLogErrors, type EventLog, type ReadCondition, type ReadLimits, type ReadRow, type ReadStore, type RowKey } from '#ports';
import { refusalOf } from './mirrored-record.ts';
import { SetDigest } from './set-digest.ts';

/** Digests of the parts of a region by name: `stream/7` is partition 7 of a topic, `content 3 of 12` a range of a table's rows. */
export type RegionDigests = ReadonlyMap<string, string>;

const limits: ReadLimits = { recordsMax: 1000, bytesMax: 4 * 1024 * 1024, waitMs: 0 };
const rowsAtOnce = 5000;

/** The parts in which two regions differ, by name: where to look, and what to copy or build anew. */
export function divergence(mine: RegionDigests, theirs: RegionDigests): readonly string[] {
  return [...new Set([...mine.keys(), ...theirs.keys()])].filter((name) => mine.get(name) !== theirs.get(name)).sort();
}

/**
 * A digest per partition of the events that it holds, by id and data, in any order: regions take each other's events in
 * as they come. As of the moment at which each partition is read. What a region refuses is in no other, and left out.
 */
export async function logDigests(log: EventLog, topics: readonly string[]): Promise<RegionDigests> {
  const digests = new Map<string, string>();
  for (const topic of topics) {
    for (const { partition, low, high } of await log.heads(topic)) {
      const digest = new SetDigest();
      for (let at = low; at < high;) {
        const batch = await log.read(topic, partition, at, limits);
        for (const record of batch.records) {
          if (record.offset < high && refusalOf(record) === undefined) digest.add(`${record.headers['ce_id']} ${record.value}`);
        }
        if (batch.next === at) throw eventLogErrors.endsEarly(topic, partition, at, high);
        at = batch.next;
      }
      digests.set(`${topic}/${partition}`, String(digest));
    }
  }
  return digests;
}

export interface RowDigestInit {
  readonly ranges?: number;
  /** Of expiring tables, rows that reach back before this are left out, ms since the Unix epoch by table: they may be gone in one region. */
  readonly since?: ReadonlyMap<string, number>;
}

/** A digest per range of the rows of each table; a row belongs to the range of its key's hash. */
export async function rowDigests(
  reads: ReadStore,
  tables: readonly TableSpec[],
  { ranges = topicPartitions, since }: RowDigestInit = {},
): Promise<RegionDigests> {
  const digests = new Map<string, string>();
  for (const table of tables) {
    const parts = Array.from({ length: ranges }, () => new SetDigest());
    for await (const row of rowsOf(reads, table, since?.get(table.name)))
      parts[partitionOf(canonicalText(alike(table, keyOf(table, row))), ranges)]?.add(canonicalText(alike(table, row)));
    parts.forEach((digest, range) => digests.set(`${table.name} ${range} of ${ranges}`, String(digest)));
  }
  return digests;
}

/** What is the same of it in every region. */
function alike({ originKey }: TableSpec, row: ReadRow): ReadRow {
  return originKey === undefined ? row : Object.fromEntries(Object.entries(row).filter(([name]) => name !== originKey));
}

function keyOf(table: TableSpec, row: ReadRow): RowKey {
  return Object.fromEntries(Object.keys(table.key).map((name) => [name, row[name] as string | number | bigint]));
}

async function* rowsOf(reads: ReadStore, table: TableSpec, since: number | undefined): AsyncGenerator<ReadRow> {
  const { expires } = table;
  const where: ReadCondition[] = expires === undefined || since === undefined ? [] : [{ column: expires.oldest, is: 'gte', value: BigInt(since) }];
  const orderBy = Object.keys(table.key).map((column) => ({ column }));
  for (let after: RowKey | undefined; ;) {
    const rows = await reads.select(table, { where, orderBy, limit: rowsAtOnce, ...(after === undefined ? {} : { after }) });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < rowsAtOnce) return;
    after = keyOf(table, last);
  }
}
