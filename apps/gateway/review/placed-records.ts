import type { StoredRecord } from '#events';
import { hasCode } from '#kernel';
import type { EventLog, IndexPlace } from '#ports';

/** Places so near to each other are one read: what lies between is cheaper to read than to jump over. */
const gapMax = 32n;
const readsAtOnce = 16;

interface Run {
  readonly topic: string;
  readonly partition: number;
  readonly first: bigint;
  last: bigint;
}

export function placeName({ topic, partition, offset }: Pick<IndexPlace, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`;
}

/** Reads the records at these places; those that retention has taken away are not in the answer. */
export async function recordsAt(log: EventLog, places: readonly IndexPlace[]): Promise<ReadonlyMap<string, StoredRecord>> {
  const wanted = new Set(places.map(placeName));
  const found = new Map<string, StoredRecord>();
  const runs = runsOf(places);
  const work = async (): Promise<void> => {
    for (let run = runs.pop(); run !== undefined; run = runs.pop()) await readRun(log, run, wanted, found);
  };
  await Promise.all(Array.from({ length: Math.min(readsAtOnce, runs.length) }, work));
  return found;
}

function runsOf(places: readonly IndexPlace[]): Run[] {
  const lanes = Map.groupBy(places, ({ topic, partition }) => `${topic}/${partition}`);
  return [...lanes.values()].flatMap((lane) => {
    const runs: Run[] = [];
    for (const { topic, partition, offset } of [...lane].sort((a, b) => (a.offset < b.offset ? -1 : 1))) {
      const run = runs.at(-1);
      if (run !== undefined && offset - run.last <= gapMax) run.last = offset;
      else runs.push({ topic, partition, first: offset, last: offset });
    }
    return runs;
  });
}

async function readRun(log: EventLog, { topic, partition, first, last }: Run, wanted: ReadonlySet<string>, found: Map<string, StoredRecord>): Promise<void> {
  try {
    for (let from = first; from <= last;) {
      const { records, next } = await log.read(topic, partition, from, { recordsMax: Number(last - from) + 1, bytesMax: 4_194_304, waitMs: 0 });
      for (const record of records) {
        const name = `${topic}/${partition}/${record.offset}`;
        if (wanted.has(name)) found.set(name, record);
      }
      if (next <= from) return;
      from = next;
    }
  } catch (error) {
    if (!hasCode(error, 'OFFSET_OUT_OF_RANGE')) throw error;
  }
}
