import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StreamState } from './stream-fold.core.ts';

/** Raised whenever {@link StreamState} changes its shape or meaning: older files are then ignored and the log is read again. */
const version = 5;

/** How far one partition was folded: where to read on, and the event before it, which proves that it is the same log. */
export interface FoldedPartition {
  readonly next: bigint;
  readonly lastOffset: bigint;
  readonly lastEventId: string;
}

export interface FoldSnapshot {
  /** By partition; undefined where nothing was read yet. */
  readonly partitions: ReadonlyArray<FoldedPartition | undefined>;
  readonly streams: readonly StreamState[];
}

/** Undefined when there is none that can be used; the caller then folds the whole log. */
export async function readSnapshot(path: string): Promise<FoldSnapshot | undefined> {
  try {
    const file = JSON.parse(await readFile(path, 'utf8')) as { version?: unknown; partitions: unknown[]; streams: StreamState[] };
    if (file.version !== version) return undefined;
    return { partitions: file.partitions.map(readPartition), streams: file.streams };
  } catch {
    return undefined;
  }
}

function readPartition(text: unknown): FoldedPartition | undefined {
  if (text === null) return undefined;
  const { next, lastOffset, lastEventId } = text as Record<keyof FoldedPartition, string>;
  return { next: BigInt(next), lastOffset: BigInt(lastOffset), lastEventId };
}

/** Replaces the file in one step: a crash leaves the old one. */
export async function writeSnapshot(path: string, snapshot: FoldSnapshot): Promise<void> {
  const partitions = snapshot.partitions.map((one) => (one === undefined ? null : { ...one, next: `${one.next}`, lastOffset: `${one.lastOffset}` }));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, JSON.stringify({ version, partitions, streams: snapshot.streams }));
  await rename(`${path}.new`, path);
}
