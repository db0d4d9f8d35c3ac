import { partitionOf } from '#kernel';
import { topicPartitions, type Context } from '#events';
import type { EventIndex, EventLog, IndexedEvent, Position } from '#ports';
import { sampleRecords } from '../log/records.ts';

const topics = ['stream', 'cache', 'edge', 'content', 'playback'] as const satisfies readonly Context[];
const batch = 10_000;
/** Events a second of the platform whose history this is. */
const perMs = 0.05;
const startMs = 1_750_000_000_000;

/** Who and what is in the history, from the frequent to the rare. */
export const names = {
  types: 8,
  tenants: 50,
  actors: 300,
  subjects: 20_000,
  /** Events with one request id. */
  group: 20,
  rareType: 'thing.seldom-seen',
  oldType: 'thing.long-forgotten',
} as const;

interface Placed extends Position {
  readonly topic: Context;
}

/** Records on the log that the index's rows stand for: fewer than rows, so that several rows share one. */
export async function appendRecords(log: EventLog, count: number): Promise<readonly Placed[]> {
  const placed: Placed[] = [];
  for (const topic of topics) {
    await log.ensureTopic(topic, topicPartitions);
    for (let from = 0; from < count / topics.length; from += 1000)
      for (const position of await log.append(topic, sampleRecords(1000, from))) placed.push({ topic, ...position });
  }
  return placed;
}

export function uuid(n: number): string {
  const ms = Math.floor(startMs + n / perMs)
    .toString(16)
    .padStart(12, '0');
  const scattered = (Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${n.toString(16).padStart(3, '0').slice(-3)}-8000-${scattered}${n.toString(16).padStart(4, '0').slice(-4)}`;
}

export function timeOf(n: number): number {
  return Math.floor(startMs + n / perMs);
}

export function subjectOf(n: number): string {
  return `st-${((n * 7919) % names.subjects).toString(36)}`;
}

function typeOf(n: number, count: number, topic: string): string {
  if (n % Math.floor(count / 5) === 7) return names.rareType;
  if (n < count / 20 && n % 2 === 0) return names.oldType;
  return `${topic}.happened-${n % names.types}`;
}

function eventOf(n: number, count: number, place: Placed): IndexedEvent {
  const first = n - (n % names.group);
  return {
    ...place,
    recordedAt: timeOf(n),
    time: timeOf(n) - 2,
    id: uuid(n),
    type: typeOf(n, count, place.topic),
    subject: `${subjectOf(n)}/${n % 4}`,
    tenant: n % 10 === 0 ? `tenant-${n % names.tenants}` : 'default',
    actor: `key:k-${partitionOf(String(n), names.actors)}`,
    correlationId: uuid(first),
    causationId: n === first ? `req-${first}` : uuid(first + Math.floor((n - first - 1) / 3)),
  };
}

/** A tree of so many events behind the history, each with up to eight effects. @returns the id of its first event */
export function treeOf(size: number, count: number, places: readonly Placed[]): { readonly root: string; readonly events: readonly IndexedEvent[] } {
  const id = (n: number): string => uuid(count + n);
  const events = Array.from({ length: size }, (_, n) => ({
    ...eventOf(count + n, count, places[n % places.length] as Placed),
    id: id(n),
    correlationId: id(0),
    causationId: n === 0 ? 'req-tree' : id(Math.floor((n - 1) / 8)),
  }));
  return { root: id(0), events };
}

/** Fills an index with `count` events in the order of time, and a tree behind them. @returns seconds */
export async function fillIndex(index: EventIndex, count: number, places: readonly Placed[], tree: readonly IndexedEvent[]): Promise<number> {
  await index.claim(1n, 'bench');
  const started = performance.now();
  let writing: Promise<void> = Promise.resolve();
  const write = async (events: readonly IndexedEvent[], from: number): Promise<void> => {
    await writing;
    writing = index.append({ epoch: 1n, moves: [{ topic: 'stream', partition: 0, from: BigInt(from), to: BigInt(from + events.length) }], events });
  };
  for (let from = 0; from < count; from += batch)
    await write(
      Array.from({ length: batch }, (_, at) => eventOf(from + at, count, places[(from + at) % places.length] as Placed)),
      from,
    );
  await write(tree, count);
  await writing;
  await index.tend();
  return (performance.now() - started) / 1000;
}
