import type { StoredRecord } from '#events';

/** What a writer was told is on the log. */
export interface Acknowledged {
  readonly writer: string;
  readonly epoch: number;
  readonly kind: 'fact' | 'plain';
  readonly first: number;
  readonly count: number;
}

export interface Verdict {
  readonly records: number;
  readonly acknowledged: number;
  /** Acknowledged and not there. */
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Before one that was appended earlier, of a producer with a hole, or of one that had been replaced. */
  readonly outOfOrder: readonly string[];
  /** Partitions in which a live reader saw something else than what is there. */
  readonly misread: readonly string[];
}

interface Place {
  readonly writer: string;
  readonly kind: string;
  readonly epoch: number;
  readonly number: number;
}

function placeOf(value: string): Place {
  const [writer = '', kind = '', epoch, number] = value.split('/');
  return { writer, kind, epoch: Number(epoch), number: Number(number) };
}

/** Holds a log against what its writers were told and what a reader saw. */
export function judge(log: readonly StoredRecord[][], acknowledged: readonly Acknowledged[], seen: readonly StoredRecord[][]): Verdict {
  const values = log.flat().map(({ value }) => value);
  const there = new Set(values);
  const promised = acknowledged.flatMap(({ writer, epoch, kind, first, count }) =>
    Array.from({ length: count }, (_, at) => `${writer}/${kind}/${epoch}/${first + at}`),
  );
  return {
    records: values.length,
    acknowledged: promised.length,
    lost: promised.filter((value) => !there.has(value)),
    doubled: doubledOf(values),
    outOfOrder: [...log.flatMap(disorderOf), ...holesOf(values)],
    misread: log.flatMap((records, partition) => (sameAs(records, seen[partition] ?? []) ? [] : [`partition ${partition}`])),
  };
}

function doubledOf(values: readonly string[]): string[] {
  const once = new Set<string>();
  return values.filter((value) => once.size === once.add(value).size);
}

/** Within a partition: each key in the order of its appends, and no fact of an epoch behind one of a newer. */
function disorderOf(records: readonly StoredRecord[]): string[] {
  const last = new Map<string, number>();
  const epochs = new Map<string, number>();
  return records.flatMap(({ key, value }) => {
    const { writer, kind, epoch, number } = placeOf(value);
    const line = `${key}/${kind}/${epoch}`;
    const isBehind = number <= (last.get(line) ?? -1);
    const isReplaced = kind === 'fact' && epoch < (epochs.get(writer) ?? 0);
    last.set(line, number);
    if (kind === 'fact') epochs.set(writer, Math.max(epoch, epochs.get(writer) ?? 0));
    return isBehind || isReplaced ? [value] : [];
  });
}

/** The facts of an epoch count from 0 without a hole. */
function holesOf(values: readonly string[]): string[] {
  const facts = Map.groupBy(
    values.map(placeOf).filter(({ kind }) => kind === 'fact'),
    ({ writer, epoch }) => `${writer}/${epoch}`,
  );
  return [...facts].flatMap(([line, places]) => {
    const numbers = new Set(places.map(({ number }) => number));
    const missing = Array.from({ length: Math.max(...numbers) + 1 }, (_, at) => at).find((at) => !numbers.has(at));
    return missing === undefined ? [] : [`${line} misses ${missing}`];
  });
}

function sameAs(records: readonly StoredRecord[], seen: readonly StoredRecord[]): boolean {
  return records.length === seen.length && records.every(({ offset, value }, at) => seen[at]?.offset === offset && seen[at].value === value);
}
