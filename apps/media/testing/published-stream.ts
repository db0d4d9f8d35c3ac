import {
  decodeEvent,
  encodingDelayed,
  failoverRequested,
  failoverSwitched,
  publisherJoined,
  publisherLeft,
  segmentProduced,
  streamCreated,
  streamInterrupted,
  streamStarted,
  streamStopped,
  topicPartitions,
  type DomainEvent,
  type EventOf,
} from '#events';
import type { BlobStore, EventLog } from '#ports';
import { FactPublisher, PersonalData, SubjectKeys, type CatalogueDraft } from '#runtime';
import { MemoryAggregateStore, MemoryOutbox, MemorySubjectKeyStore } from '#adapters/memory';
import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { pino } from 'pino';

export type Segment = EventOf<typeof segmentProduced>['data'];

export const streamId = 'st-test';
const times = { segmentDurationMs: 2000, graceMs: 60_000, dvrWindowMs: 60_000 };

/** A stream as the commands write it to the log, and what the packager answered there. */
export class PublishedStream {
  readonly #log: EventLog;
  readonly #facts: FactPublisher;

  constructor(log: EventLog) {
    this.#log = log;
    const clock = new SystemClock();
    const store = new MemorySubjectKeyStore(new MemoryAggregateStore(new MemoryOutbox(clock)), clock);
    const personal = new PersonalData(
      new SubjectKeys({}, { store, master: new LocalMasterKey(new MemoryKeyRing()), clock, logger: pino({ level: 'silent' }) }),
    );
    this.#facts = new FactPublisher({ log, clock, ids: new UuidV7IdSource(), source: '/test', actor: 'system:test', personal });
  }

  async create(
    ladder: Array<{ name: string; height: number; videoBitrate: number; passThrough?: boolean; codec?: 'hevc' }>,
    told: Pick<EventOf<typeof streamCreated>['data'], 'lowLatency' | 'audioTracks'> = {},
  ): Promise<void> {
    await this.#log.ensureTopic('stream', topicPartitions);
    await this.#publish(streamCreated.draft({ streamId, name: 'test', keyHash: 'a'.repeat(64), ladder, audioBitrate: 96_000, ...times, ...told }));
  }

  start(sessionId: string, relayUrl: string): Promise<void> {
    return this.#publish(streamStarted.draft({ streamId, sessionId, epoch: 1, endpoint: 'primary', remoteAddress: '127.0.0.1:1', node: 'test', relayUrl }));
  }

  /** A second publisher beside the first, at the backup endpoint. */
  join(sessionId: string, relayUrl: string): Promise<void> {
    return this.#publish(publisherJoined.draft({ streamId, sessionId, epoch: 1, endpoint: 'backup', remoteAddress: '127.0.0.1:2', node: 'test', relayUrl }));
  }

  leave(sessionId: string): Promise<void> {
    return this.#publish(publisherLeft.draft({ streamId, sessionId, endpoint: 'primary', reason: 'connection-closed', detail: '' }));
  }

  request(to: 'primary' | 'backup'): Promise<void> {
    return this.#publish(failoverRequested.draft({ streamId, to, reason: 'test' }));
  }

  /** Which publishers the packager went over to, and why. */
  async switches(): Promise<Array<readonly [string, string]>> {
    return (await this.events()).flatMap((event) => (event.type === failoverSwitched.type ? [[event.data.toSessionId, event.data.reason] as const] : []));
  }

  interrupt(sessionId: string): Promise<void> {
    return this.#publish(streamInterrupted.draft({ streamId, sessionId, reason: 'unpublished', detail: '' }));
  }

  stop(): Promise<void> {
    return this.#publish(streamStopped.draft({ streamId, reason: 'operator', detail: '' }));
  }

  async events(): Promise<DomainEvent[]> {
    const events: DomainEvent[] = [];
    for (let partition = 0; partition < topicPartitions; partition++) {
      for (let from = 0n; ;) {
        const { records, next } = await this.#log.read('stream', partition, from, { recordsMax: 1000, bytesMax: 10_000_000, waitMs: 0 });
        events.push(...records.map(decodeEvent));
        if (next === from || records.length === 0) break;
        from = next;
      }
    }
    return events;
  }

  /** Segments as a projection keeps them: facts of an older epoch than the newest encoder's are ignored. */
  async segments(rendition?: string): Promise<Segment[]> {
    let epoch = 0;
    const segments: Segment[] = [];
    for (const event of await this.events()) {
      if (event.type === 'encoding.started') epoch = Math.max(epoch, event.data.epoch);
      if (event.type === 'segment.produced' && event.data.epoch >= epoch) segments.push(event.data);
    }
    return rendition === undefined ? segments : segments.filter((one) => one.rendition === rendition);
  }

  /** What packagers said of stores that took nothing for a while. */
  async delays(): Promise<Array<EventOf<typeof encodingDelayed>['data']>> {
    return (await this.events()).flatMap((event) => (event.type === encodingDelayed.type ? [event.data] : []));
  }

  async #publish(draft: CatalogueDraft): Promise<void> {
    await this.#facts.publish('stream', [draft], { producer: { id: 'outbox', epoch: 1n } });
  }
}

/** A rendition as a player without playlists would read it: the initialisation, then every segment. */
export async function joinedBytes(blobs: BlobStore, segments: readonly Segment[]): Promise<Uint8Array> {
  const first = segments[0];
  if (first === undefined) throw new Error('there are no segments');
  return Buffer.concat([await blobs.read(first.initCid), ...(await Promise.all(segments.map(({ cid }) => blobs.read(cid))))]);
}

/** Waits until the condition holds; fails after a generous time. */
export async function until(what: string, condition: () => Promise<boolean> | boolean, msMax = 90_000): Promise<void> {
  for (const end = performance.now() + msMax; performance.now() < end;) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`did not happen in ${msMax} ms: ${what}`);
}
