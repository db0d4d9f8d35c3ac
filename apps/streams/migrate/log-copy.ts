import { createHash, type Hash } from 'node:crypto';
import { asWritten, type StoredRecord } from '#events';
import { hasCode } from '#kernel';
import type { EventLog, PartitionHead, RestoreRecords } from '#ports';
import { PlainFailure } from '../streams.errors.ts';
import { OffsetMap } from './offset-map.core.ts';

const batchRecords = 500;
/** Partitions read and written side by side. */
const partitionsAtOnce = 4;

export interface CopyDeps {
  readonly source: EventLog;
  readonly target: EventLog;
  /** Where the target is, and how it is made empty: for people. */
  readonly targetPlace: { readonly where: string; readonly emptied: string };
  /** Told every batch that is compared or copied. */
  readonly onProgress: (done: number, all: number) => void;
  /** Shown every record of the original once. */
  readonly onRecord: (record: StoredRecord) => void;
}

/** A topic, and how far an earlier run has copied it. */
export interface BegunCopy {
  readonly topic: string;
  readonly partitions: ReadonlyArray<{ readonly head: PartitionHead; readonly found: number }>;
}

export interface TopicCopy {
  readonly topic: string;
  readonly records: number;
  /** How many of them an earlier run had copied. */
  readonly found: number;
  /** SHA-256 over keys, headers and values, partition by partition. */
  readonly digest: string;
  /** Of each partition. */
  readonly offsets: readonly OffsetMap[];
}

/**
 * Compares what the target holds with the original. Changes nothing. Undefined when the original has no such topic.
 * @throws PlainFailure when the target holds other records.
 */
export async function compareTopic(topic: string, deps: CopyDeps): Promise<BegunCopy | undefined> {
  const heads = await headsOf(deps.source, topic);
  if (heads === undefined) return undefined;
  const begun = await headsOf(deps.target, topic);
  if (begun !== undefined && begun.length !== heads.length)
    throw new PlainFailure(`The topic ${topic} has ${begun.length} partitions there, but ${heads.length} here: they cannot hold the same records.`);
  const partitions = await sideBySide(heads, async (head) => {
    const there = begun?.[head.partition];
    return { head, found: there === undefined ? 0 : await comparePartition(topic, head, there, deps) };
  });
  return { topic, partitions };
}

/** Copies what is missing of a topic and the versions of its subjects, and reads all records back. @throws PlainFailure when the copy differs. */
export async function copyTopic({ topic, partitions }: BegunCopy, deps: CopyDeps): Promise<TopicCopy> {
  const progress = new Progress(
    partitions.map(({ head }) => head),
    deps.onProgress,
  );
  // Also with nothing to write: a run that was killed may have left the topic as it is while copies are made.
  await deps.target.restore(topic, partitions.length, async (write) => {
    await sideBySide(partitions, ({ head, found }) => copyPartition(topic, head, found, write, progress, deps));
  });
  await deps.target.restoreSubjects(topic, await deps.source.subjects(topic));
  const copies = await sideBySide(partitions, ({ head }) => verifyPartition(topic, head, deps));
  const digest = createHash('sha256');
  for (const copy of copies) digest.update(copy.digest);
  const offsets = copies.map((copy) => copy.offsets);
  return {
    topic,
    records: offsets.reduce((sum, { count }) => sum + Number(count), 0),
    found: partitions.reduce((sum, { found }) => sum + found, 0),
    digest: digest.digest('hex'),
    offsets,
  };
}

async function headsOf(log: EventLog, topic: string): Promise<readonly PartitionHead[] | undefined> {
  try {
    return await log.heads(topic);
  } catch (error) {
    if (hasCode(error, 'TOPIC_UNKNOWN')) return undefined;
    throw error;
  }
}

/** How many records the target holds: the first ones of the original. */
async function comparePartition(topic: string, head: PartitionHead, there: PartitionHead, { source, target, targetPlace }: CopyDeps): Promise<number> {
  const originals = recordsOf(source, topic, head);
  let found = 0;
  for await (const copy of recordsOf(target, topic, there)) {
    const original = await originals.next();
    if (original.done === true || !isSame(original.value, copy)) throw otherRecords(topic, head.partition, targetPlace);
    found++;
  }
  return found;
}

async function copyPartition(
  topic: string,
  head: PartitionHead,
  found: number,
  write: RestoreRecords,
  progress: Progress,
  { source }: CopyDeps,
): Promise<void> {
  let fresh: StoredRecord[] = [];
  let number = 0;
  for await (const record of recordsOf(source, topic, head)) {
    progress.step();
    if (number++ < found) continue;
    fresh.push(record);
    if (fresh.length < batchRecords) continue;
    await write(fresh);
    fresh = [];
  }
  if (fresh.length > 0) await write(fresh);
}

function otherRecords(topic: string, partition: number, { where, emptied }: CopyDeps['targetPlace']): PlainFailure {
  return new PlainFailure(
    `${topic}/${partition} in ${where} already holds other records than this log: a copy needs an empty log, or an earlier copy of the same one. To begin with an empty one, ${emptied}. Nothing was changed.`,
  );
}

function isSame(one: StoredRecord, other: StoredRecord): boolean {
  return contentOf(one) === contentOf(other);
}

/** What was written, whatever readers add. Header order counts. */
function contentOf(record: StoredRecord): string {
  const { key, headers, value } = asWritten(record);
  return JSON.stringify([key, headers, value]);
}

interface Verified {
  readonly digest: Buffer;
  readonly offsets: OffsetMap;
}

async function verifyPartition(topic: string, head: PartitionHead, { source, target, targetPlace, onRecord }: CopyDeps): Promise<Verified> {
  const there = (await target.heads(topic))[head.partition] as PartitionHead;
  const copies = recordsOf(target, topic, there);
  const [digest, copied] = [createHash('sha256'), createHash('sha256')];
  const offsets = new OffsetMap(there.low);
  // The embedded log never lets time go back; where brokers did, the copy holds the time before.
  let latest = 0;
  for await (const record of recordsOf(source, topic, head)) {
    onRecord(record);
    const other = await copies.next();
    latest = Math.max(latest, record.recordedAt);
    if (other.done === true || !isTime(other.value, record, latest)) throw differs(topic, head.partition, targetPlace);
    add(digest, record);
    add(copied, other.value);
    offsets.add(record.offset, other.value.offset);
  }
  const [one, two] = [digest.digest(), copied.digest()];
  if (!one.equals(two) || (await copies.next()).done !== true) throw differs(topic, head.partition, targetPlace);
  return { digest: one, offsets };
}

function isTime(copy: StoredRecord, original: StoredRecord, latest: number): boolean {
  return copy.recordedAt === original.recordedAt || copy.recordedAt === latest;
}

function add(digest: Hash, record: StoredRecord): void {
  digest.update(contentOf(record)).update('\n');
}

function differs(topic: string, partition: number, { where, emptied }: CopyDeps['targetPlace']): PlainFailure {
  return new PlainFailure(
    `The copy of ${topic}/${partition} in ${where} is not what was copied: did somebody write to one of the logs? Stop the platform everywhere, and begin with an empty log: ${emptied}.`,
  );
}

/** A partition's records up to where it ended when it was asked. @throws PlainFailure when they are not all there */
async function* recordsOf(log: EventLog, topic: string, { partition, low, high }: PartitionHead): AsyncGenerator<StoredRecord, undefined> {
  for (let from = low; from < high;) {
    const { records, next } = await log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 8_388_608, waitMs: 0 });
    for (const record of records) if (record.offset < high) yield record;
    if (next <= from) throw new PlainFailure(`The log ends at ${from} of ${topic}/${partition}, though ${high} was its end: is a broker away? Try again.`);
    from = next;
  }
}

/** Runs work for each item, some at once, and answers in their order. */
async function sideBySide<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results = Array.from<Result>({ length: items.length });
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as Item);
    }
  };
  await Promise.all(Array.from({ length: partitionsAtOnce }, runner));
  return results;
}

/** Counts records against what there is to do; offsets may have gaps, so the end may come early. */
class Progress {
  readonly #all: number;
  readonly #tell: (done: number, all: number) => void;
  #done = 0;

  constructor(heads: readonly PartitionHead[], tell: (done: number, all: number) => void) {
    this.#all = heads.reduce((sum, { low, high }) => sum + Number(high - low), 0);
    this.#tell = tell;
  }

  step(): void {
    if (++this.#done % batchRecords === 0) this.#tell(this.#done, this.#all);
  }
}
