import type { LogRecord } from '#events';
import type { SealedSegment } from './segment.types.ts';

export type CatalogueEntry =
  | { readonly kind: 'sealed'; readonly topic: string; readonly partition: number; readonly segment: SealedSegment }
  /** What lies before an offset is held no more; and then: its blobs are gone. */
  | { readonly kind: 'forgotten' | 'removed'; readonly topic: string; readonly partition: number; readonly before: bigint };

function entryRecord(topic: string, partition: number, entry: object): LogRecord {
  return { key: `${topic}/${partition}`, headers: {}, value: JSON.stringify({ version: 1, ...entry }) };
}

export function encodeSealed(segment: SealedSegment): LogRecord {
  const { topic, partition, first, end } = segment;
  return entryRecord(topic, partition, { kind: 'sealed', ...segment, first: String(first), end: String(end) });
}

export function encodeGone(kind: 'forgotten' | 'removed', topic: string, partition: number, before: bigint): LogRecord {
  return entryRecord(topic, partition, { kind, topic, partition, before: String(before) });
}

type Json<Fields> = { readonly [Name in keyof Fields]: Fields[Name] extends bigint ? string : Fields[Name] };

/** @throws SyntaxError or RangeError when it is none, or of a later version */
export function decodeEntry(value: string): CatalogueEntry {
  const entry = JSON.parse(value) as { readonly version: number; readonly kind: string; readonly topic: string; readonly partition: number };
  const { version, kind, topic, partition } = entry;
  if (version !== 1) throw new RangeError(`An entry of version ${version} was written by a later version of Streams.`);
  if (kind === 'forgotten' || kind === 'removed') return { kind, topic, partition, before: BigInt((entry as unknown as { before: string }).before) };
  if (kind !== 'sealed') throw new RangeError(`${kind} is no kind of entry`);
  const { version: _, kind: __, first, end, ...rest } = entry as unknown as Json<SealedSegment> & { readonly version: number; readonly kind: string };
  return { kind, topic, partition, segment: { ...rest, first: BigInt(first), end: BigInt(end) } };
}
