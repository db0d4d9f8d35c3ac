import { existsSync } from 'node:fs';
import { openEngines } from '#adapters/engines';
import { nodeLedgerHash, type Bundle, type TreeSource } from '#adapters/ledger';
import { leafInput } from '#adapters/sealed-log';
import { parseCheckpoint, parseHolding, type BundledRecord } from '#core/ledger';
import { hasCode } from '#kernel';
import { eventLogErrors, type EventLog, type LedgerPartition, type PartitionHead } from '#ports';
import { readStreamsSettings } from '../streams.config.ts';
import { PlainFailure } from '../streams.errors.ts';

/** Runs `work` on the bundle with the records of the log that the settings name (the embedded one, or Kafka). */
export async function withRecordsOfLog<Result>(bundle: Bundle, work: (bundle: Bundle) => Promise<Result>): Promise<Result> {
  const settings = readStreamsSettings();
  if (settings.kafka === undefined && !existsSync(settings.logPath))
    throw new PlainFailure(`There is no log at ${settings.logPath}. Is it on Kafka? Then set KAFKA_BROKERS as the platform has it; else STREAMS_DATA_DIR.`);
  const engines = await openEngines(settings, 'log');
  try {
    const { log, sealedLog } = engines;
    return await work(await recordsOfLog(bundle, log, async ({ topic, partition }) => (await sealedLog.sealed(topic, partition)).floor));
  } finally {
    await engines.close();
  }
}

/**
 * The bundle, with records read from a log instead of its own.
 * @param forgotten before which offset retention has removed a partition, as it noted; left out, the log is taken at its word
 */
export async function recordsOfLog(bundle: Bundle, log: EventLog, forgotten?: (at: LedgerPartition) => Promise<bigint>): Promise<Bundle> {
  const trees = await Promise.all(
    bundle.trees.map(async (tree) => {
      const head = (await headsOf(log, tree.topic))[tree.partition];
      // Only a log that has forgotten its beginning by its retention may begin in the middle.
      const isWhole = head === undefined || head.low === 0n || head.low > ((await forgotten?.(tree)) ?? head.low);
      const firstLeaf = isWhole ? 0 : head.low >= endOf(tree) && head.low === head.high ? sizeOf(tree) : undefined;
      return { ...tree, copy: undefined, exportedAs: tree.copy?.holding, records: { firstLeaf, read: () => recordsOf(log, tree.topic, head) } };
    }),
  );
  return { ...bundle, trees };
}

function sizeOf({ checkpoints }: TreeSource): number {
  return Math.max(0, ...checkpoints.map((note) => parseCheckpoint(note).size));
}

/** Behind which offset the tree ends, at least: as its bundle was signed, and never before as many as it has leaves. */
function endOf(tree: TreeSource): bigint {
  const size = (tree.beginsAt ?? 0n) + BigInt(sizeOf(tree));
  const last = tree.copy?.holding === undefined ? undefined : parseHolding(tree.copy.holding).held?.lastOffset;
  return last === undefined || last < size ? size : last + 1n;
}

async function* recordsOf(log: EventLog, topic: string, head: PartitionHead | undefined): AsyncGenerator<BundledRecord, void> {
  if (head === undefined) return;
  for (let from = head.low; from < head.high;) {
    const { records, next } = await log.read(topic, head.partition, from, { recordsMax: 10_000, bytesMax: 8_388_608, waitMs: 0, stored: true });
    for (const record of records) yield { offset: record.offset, leafInput: leafInput(record, nodeLedgerHash) };
    if (next <= from) throw eventLogErrors.endsEarly(topic, head.partition, from, head.high);
    from = next;
  }
}

/** A topic that is gone has no records. */
async function headsOf(log: EventLog, topic: string): ReturnType<EventLog['heads']> {
  try {
    return await log.heads(topic);
  } catch (error) {
    if (hasCode(error, 'TOPIC_UNKNOWN')) return [];
    throw error;
  }
}
