import { StreamsError } from '../errors.ts';
import type { CloudEventJson, OutgoingEvent } from '../event/index.ts';
import type { Delivery, EventFilter, PublishResult, Start, Transport } from '../transport.ts';

export function unavailable(retryAfterMs?: number): StreamsError {
  return new StreamsError('away', { code: 'UNAVAILABLE', retryable: true, retryAfterMs });
}

/** Answers a call; throws to fail it. Undefined: takes every event. */
export type Answer = (events: readonly OutgoingEvent[]) => Promise<readonly PublishResult[]> | readonly PublishResult[];

/** A transport whose other side is written down in the test. */
export class ScriptedTransport implements Transport {
  readonly name = 'scripted';
  readonly batchMax = { events: 1_000, bytes: 1_000_000 };
  /** Ids of each call, whatever became of it. */
  readonly calls: string[][] = [];
  readonly starts: Start[] = [];
  readonly filters: EventFilter[] = [];
  readonly answers: Answer[];
  /** What each connection brings; an error breaks it. After the last one, connections stay open in silence. */
  readonly connections: Array<ReadonlyArray<Delivery | Error>>;
  isClosed = false;

  constructor(init: { readonly answers?: readonly Answer[]; readonly connections?: ReadonlyArray<ReadonlyArray<Delivery | Error>> } = {}) {
    this.answers = [...(init.answers ?? [])];
    this.connections = [...(init.connections ?? [])];
  }

  async publish(events: readonly OutgoingEvent[]): Promise<readonly PublishResult[]> {
    this.calls.push(events.map((event) => event.id));
    await Promise.resolve();
    return (this.answers.shift() ?? takeAll)(events);
  }

  async *subscribe(filter: EventFilter, start: Start, signal: AbortSignal): AsyncGenerator<Delivery> {
    this.filters.push(filter);
    this.starts.push(start);
    for (const step of this.connections.shift() ?? []) {
      if (step instanceof Error) throw step;
      yield step;
    }
    if (this.connections.length > 0) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

export function takeAll(events: readonly OutgoingEvent[]): PublishResult[] {
  return events.map(({ id, context }) => ({ accepted: true, id, topic: context, partition: 0, offset: 0n, duplicate: false }));
}

/** `content.withdrawn` as Streams sends it. */
export function sent(offset: number, change: CloudEventJson = {}): CloudEventJson {
  return {
    specversion: '1.0',
    id: `id-${offset}`,
    source: '/test',
    type: 'content.withdrawn',
    subject: 'c-1',
    time: '2026-11-26T08:00:00.000Z',
    dataschema: 'urn:streams:event:content.withdrawn:1',
    partitionkey: 'c-1',
    tenant: 'default',
    actor: 'key:1',
    streamversion: '0',
    producerepoch: '0',
    recordedtime: '2026-11-26T08:00:00.001Z',
    topic: 'content',
    partition: 3,
    offset: String(offset),
    data: { contentId: 'c-1' },
    ...change,
  };
}
