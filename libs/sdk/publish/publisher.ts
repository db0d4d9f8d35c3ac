import { EventRefusedError, StreamsError } from '../errors.ts';
import type { DataOf, EventOptions, OpenType, OutgoingEvent } from '../event/index.ts';
import type { PublishResult, Refused, Transport } from '../transport.ts';
import { deliver, refusedBy } from './deliver.ts';
import { Lane } from './lane.ts';

export interface PublisherInit {
  /** Most events of a batch; 500. */
  readonly batchEventsMax?: number;
  /** Most bytes of a batch; 1 MiB. */
  readonly batchBytesMax?: number;
  /** How long a batch that is not full waits for company, ms; 5. */
  readonly lingerMs?: number;
  /**
   * Batches under way at a time; 4. Events of one key go through one lane, so that they keep their order. Straight to Kafka
   * it is one per partition, whatever this says.
   */
  readonly lanes?: number;
  /**
   * What may wait and be under way, bytes; 8 MiB: enough that full batches wait for the one before, little enough that most
   * of it dies young. Whoever adds more waits for room.
   */
  readonly bufferBytesMax?: number;
  /** How long a batch is tried before its events are given up, ms; 120,000. */
  readonly retryForMs?: number;
  /** How long one attempt may take, ms; 30,000. */
  readonly timeoutMs?: number;
  /** Told every outcome, in no particular order. */
  readonly onResult?: (result: PublishResult) => void;
}

/** What became of everything that was added. */
export interface PublisherSummary {
  readonly accepted: number;
  /** Of the accepted, those that were there already. */
  readonly duplicates: number;
  readonly refused: number;
  /** The first hundred of the refused. */
  readonly refusals: readonly Refused[];
}

/** Adders that may wait for room at a time: each of them holds an event. */
const waitersMax = 10_000;
const refusalsMax = 100;

const defaults = { batchEventsMax: 500, batchBytesMax: 1_048_576, lingerMs: 5, lanes: 4, bufferBytesMax: 8_388_608, retryForMs: 120_000, timeoutMs: 30_000 };

interface Waiter {
  readonly event: OutgoingEvent;
  readonly resolve: () => void;
}

export interface PublisherDeps {
  readonly transport: Transport;
  compose(type: string, data: unknown, options: EventOptions): OutgoingEvent;
}

/** Publishes many events: in batches, tried again until they are on the log, in bounded memory, in order by key. */
export class Publisher {
  readonly #init: typeof defaults & PublisherInit;
  readonly #deps: PublisherDeps;
  readonly #lanes: readonly Lane[];
  readonly #awaited = new Map<OutgoingEvent, (result: PublishResult) => void>();
  readonly #waiters: Waiter[] = [];
  readonly #refusals: Refused[] = [];
  readonly #count = { accepted: 0, duplicates: 0, refused: 0 };
  #bytes = 0;
  #isClosed = false;

  constructor(init: PublisherInit, deps: PublisherDeps) {
    const given = Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined));
    this.#init = { ...defaults, ...given };
    this.#deps = deps;
    const { transport } = deps;
    const { batchEventsMax, batchBytesMax, lingerMs, lanes } = this.#init;
    this.#lanes = Array.from(
      { length: transport.lanes ?? Math.max(1, lanes) },
      () =>
        new Lane({
          batchEventsMax: Math.min(batchEventsMax, transport.batchMax.events),
          batchBytesMax: Math.min(batchBytesMax, transport.batchMax.bytes),
          lingerMs,
          deliver: (events) => deliver(transport, events, this.#init),
          settle: (event, result) => this.#settle(event, result),
        }),
    );
  }

  /**
   * Puts an event into the buffer; resolves with its id once there is room for it, which is the brake to wait for.
   * @throws EventRefusedError at once, naming the field, when the catalogue refuses it.
   * @throws StreamsError `CLOSED`, or `BUFFER_FULL` when thousands wait for room because nobody awaited.
   */
  async add<Type extends OpenType>(type: Type, data: DataOf<Type>, options: EventOptions = {}): Promise<string> {
    const event = this.#deps.compose(type, data, options);
    await this.#enter(event);
    return event.id;
  }

  /** The same, and waits for the outcome, which is a value also when it is a refusal. */
  async publish<Type extends OpenType>(type: Type, data: DataOf<Type>, options: EventOptions = {}): Promise<PublishResult> {
    let event: OutgoingEvent;
    try {
      event = this.#deps.compose(type, data, options);
    } catch (error) {
      if (!(error instanceof EventRefusedError)) throw error;
      return refusedBy(error, error.eventId);
    }
    return new Promise((resolve, reject) => {
      this.#awaited.set(event, resolve);
      this.#enter(event).catch((error: unknown) => {
        this.#awaited.delete(event);
        reject(error as Error);
      });
    });
  }

  /** Bytes that wait or are under way. */
  get buffered(): number {
    return this.#bytes;
  }

  /** Resolves once everything added so far has its outcome. */
  async flush(): Promise<void> {
    while (this.#waiters.length > 0 || this.#bytes > 0) await Promise.all(this.#lanes.map((lane) => lane.flush()));
  }

  /** Takes nothing more, waits for what was added, and says what became of it all. */
  async close(): Promise<PublisherSummary> {
    this.#isClosed = true;
    await this.flush();
    return { ...this.#count, refusals: [...this.#refusals] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #enter(event: OutgoingEvent): Promise<void> {
    if (this.#isClosed) throw new StreamsError('The publisher is closed.', { code: 'CLOSED', retryable: false });
    if (this.#waiters.length === 0 && this.#hasRoom(event)) return this.#admit(event);
    if (this.#waiters.length >= waitersMax) {
      const message = `${waitersMax} events wait for room already: await each add() before the next.`;
      throw new StreamsError(message, { code: 'BUFFER_FULL', retryable: true });
    }
    await new Promise<void>((resolve) => this.#waiters.push({ event, resolve }));
  }

  /** What is larger than all the room there is goes alone. */
  #hasRoom(event: OutgoingEvent): boolean {
    return this.#bytes === 0 || this.#bytes + event.bytes <= this.#init.bufferBytesMax;
  }

  #admit(event: OutgoingEvent): void {
    this.#bytes += event.bytes;
    this.#laneOf(event).add(event);
  }

  #admitWaiters(): void {
    for (let first = this.#waiters[0]; first !== undefined && this.#hasRoom(first.event); first = this.#waiters[0]) {
      this.#waiters.shift();
      this.#admit(first.event);
      first.resolve();
    }
  }

  #laneOf(event: OutgoingEvent): Lane {
    const { transport } = this.#deps;
    if (transport.laneOf !== undefined) return this.#lanes[transport.laneOf(event)] as Lane;
    const { key } = event;
    let hash = 0;
    for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
    return this.#lanes[(hash >>> 0) % this.#lanes.length] as Lane;
  }

  #settle(event: OutgoingEvent, result: PublishResult): void {
    this.#bytes -= event.bytes;
    if (result.accepted) {
      this.#count.accepted++;
      if (result.duplicate) this.#count.duplicates++;
    } else {
      this.#count.refused++;
      if (this.#refusals.length < refusalsMax) this.#refusals.push(result);
    }
    if (this.#awaited.size > 0) {
      this.#awaited.get(event)?.(result);
      this.#awaited.delete(event);
    }
    this.#admitWaiters();
    this.#init.onResult?.(result);
  }
}
