import { encodeEvent, type Context, type EventEnvelope, type LogRecord } from '#events';
import { assert, hasCode, OperatingError } from '#kernel';
import { firstSequence, type EventLog, type Position, type ProducerIdentity } from '#ports';
import { envelop, type CatalogueDraft, type EnvelopeDeps } from './envelopes.ts';
import { epochOnLog } from './lease/epoch-on-log.ts';
import { backOffMs, pause, withTimeout } from './pause.ts';
import { activeTraceparent } from './telemetry/tracing/tracer.ts';

/** The event that led to a fact, and the request or session of both. */
export interface FactCause {
  readonly correlationId: string;
  readonly causationId: string;
}

export interface PublishOptions {
  /** Stable id and the fencing epoch of its lease; a greater epoch starts a new sequence and shuts the older out. */
  readonly producer: { readonly id: string; readonly epoch: bigint };
  readonly correlationId?: string;
  readonly causationId?: string;
  /** What caused each of the drafts, in their order, where it is not the same for all. */
  readonly causes?: readonly FactCause[];
  readonly traceparent?: string;
  readonly tenant?: string;
  /** Ends the retries early; the outcome is then uncertain. */
  readonly signal?: AbortSignal;
}

export interface FactPublisherInit extends EnvelopeDeps {
  readonly log: EventLog;
  readonly actor: string;
  /** How long one append may take before it is tried again under the same sequence, ms; 10,000 by default. */
  readonly appendTimeoutMs?: number;
  /** How long a publication is retried in all, ms; 30,000 by default. */
  readonly retryBudgetMs?: number;
  /** Publications waiting per producer; 256 by default. */
  readonly waitingMax?: number;
}

interface Producer {
  readonly epoch: bigint;
  /** Where the sequences of this epoch began. */
  readonly first: bigint;
  nextSequence: bigint;
  /** The log knows that this epoch is ours, and has nothing of it. */
  begun: boolean;
  /** An append whose outcome nobody knows: the sequence may be used up, so nothing can follow it in this epoch. */
  uncertain: boolean;
  waiting: number;
  tail: Promise<unknown>;
}

const producersMax = 65536;

/** Failures after which the records may or may not be on the log, or surely are not: the same sequence is tried again. */
function mayRetry(error: unknown): boolean {
  return hasCode(error, 'LOG_UNAVAILABLE') || hasCode(error, 'LOG_FULL') || hasCode(error, 'APPEND_TIMEOUT');
}

/**
 * Appends facts that one owner sees (a segment, an edge's counters) straight to the log: fenced by the owner's epoch, and
 * exactly once however often an append has to be retried. An epoch begins with an append of nothing, by which the log says
 * that nobody has had it. Publications of one producer are written in the order of the calls.
 *
 * A fact's `streamVersion` is its place in the producer's sequence, from 1.
 */
export class FactPublisher {
  readonly #init: FactPublisherInit;
  readonly #producers = new Map<string, Producer>();

  constructor(init: FactPublisherInit) {
    this.#init = init;
  }

  /**
   * Appends all drafts in one call and returns their positions.
   *
   * @throws OperatingError `PRODUCER_FENCED`: a greater epoch took over; stop.
   * @throws OperatingError `PRODUCER_UNCERTAIN`: an append never answered within the retry budget, or somebody has had this epoch; take a new one.
   * @throws OperatingError `LOG_FULL` (retryable): nothing was written within the retry budget.
   * @throws OperatingError `PUBLISHER_BUSY` (retryable): too many publications of this producer are waiting.
   * @throws EventInvalidError: a draft does not fit its schema; nothing was written.
   */
  async publish(context: Context, drafts: readonly CatalogueDraft[], options: PublishOptions): Promise<readonly Position[]> {
    if (drafts.length === 0) return [];
    const producer = this.#producer(context, options.producer);
    if (producer.waiting >= (this.#init.waitingMax ?? 256)) {
      throw new OperatingError(`Too many publications of ${options.producer.id} are waiting for the log.`, { code: 'PUBLISHER_BUSY', retryable: true });
    }
    producer.waiting++;
    const turn = producer.tail.then(() => this.#publishInTurn(context, drafts, options, producer));
    producer.tail = turn.catch(() => {}).finally(() => producer.waiting--);
    return turn;
  }

  /** The greatest epoch that the log knows of these producers: who holds their lease has to be beyond it. */
  knownEpoch(context: Context, producers: readonly string[]): Promise<bigint> {
    return epochOnLog(this.#init.log, context, producers);
  }

  /** Forgets a producer that will not publish under this epoch again. */
  release(producerId: string): void {
    for (const key of this.#producers.keys()) {
      if (key.slice(key.indexOf('/') + 1) === producerId) this.#producers.delete(key);
    }
  }

  #producer(context: Context, identity: PublishOptions['producer']): Producer {
    const key = `${context}/${identity.id}`;
    const known = this.#producers.get(key);
    if (known !== undefined && known.epoch >= identity.epoch) {
      if (known.epoch > identity.epoch) throw fenced(identity.id, identity.epoch, known.epoch);
      return known;
    }
    assert(known !== undefined || this.#producers.size < producersMax, 'producers are released when they end');
    const first = firstSequence();
    const producer: Producer = {
      epoch: identity.epoch,
      first,
      nextSequence: first,
      begun: false,
      uncertain: false,
      waiting: 0,
      tail: known?.tail ?? Promise.resolve(),
    };
    this.#producers.set(key, producer);
    return producer;
  }

  async #publishInTurn(context: Context, drafts: readonly CatalogueDraft[], options: PublishOptions, producer: Producer): Promise<readonly Position[]> {
    if (producer.uncertain) throw uncertain(options.producer.id);
    const records = (await this.#envelop(context, drafts, options, producer.nextSequence - producer.first)).map(encodeEvent);
    if (!producer.begun) await this.#begin(context, options, producer);
    const positions = await this.#append(context, records, options, producer);
    producer.nextSequence += BigInt(records.length);
    return positions;
  }

  /** Of an epoch that the log knows nothing is ours: its sequences are somebody else's, and would be taken for repetitions. */
  async #begin(context: Context, options: PublishOptions, producer: Producer): Promise<void> {
    try {
      await this.#append(context, [], options, producer);
      producer.begun = true;
    } catch (error) {
      if (!hasCode(error, 'PRODUCER_FENCED')) throw error;
      const known = await this.#init.log.producer(context, options.producer.id);
      if (known?.epoch !== producer.epoch) throw error;
      producer.uncertain = true;
      throw uncertain(options.producer.id, error);
    }
  }

  #envelop(context: Context, drafts: readonly CatalogueDraft[], options: PublishOptions, sequence: bigint): Promise<EventEnvelope[]> {
    const correlationId = options.correlationId ?? this.#init.ids.next();
    const meta = {
      context,
      actor: this.#init.actor,
      correlationId,
      causationId: options.causationId ?? correlationId,
      traceparent: options.traceparent ?? activeTraceparent() ?? '',
      tenant: options.tenant ?? 'default',
      producerEpoch: options.producer.epoch,
    };
    return Promise.all(drafts.map((draft, at) => envelop(draft, { ...meta, ...options.causes?.[at] }, sequence + BigInt(at) + 1n, this.#init)));
  }

  async #append(context: Context, records: readonly LogRecord[], options: PublishOptions, producer: Producer): Promise<readonly Position[]> {
    const identity: ProducerIdentity = { ...options.producer, sequence: producer.nextSequence, ...(producer.begun ? {} : { begins: true }) };
    const budgetMs = this.#init.retryBudgetMs ?? 30000;
    const startedAt = performance.now();
    let onlyFull = true;
    for (let failures = 0; ; failures++) {
      try {
        // Behind a timeout the append may go on: trying again under the same sequence is safe either way.
        return await withTimeout(this.#init.log.append(context, records, { producer: identity }), this.#init.appendTimeoutMs ?? 10000, 'APPEND_TIMEOUT');
      } catch (error) {
        onlyFull &&= hasCode(error, 'LOG_FULL');
        if (!mayRetry(error)) throw error;
        const waitMs = backOffMs(failures, 20, 2000);
        const given = performance.now() - startedAt + waitMs;
        if (given < budgetMs && options.signal?.aborted !== true) {
          await pause(waitMs, options.signal);
          continue;
        }
        if (onlyFull) throw error;
        producer.uncertain = true;
        throw uncertain(options.producer.id, error);
      }
    }
  }
}

function fenced(id: string, epoch: bigint, newer: bigint): OperatingError {
  return new OperatingError(`${id} publishes under epoch ${epoch}, but epoch ${newer} has taken over.`, { code: 'PRODUCER_FENCED', retryable: false });
}

function uncertain(id: string, cause?: unknown): OperatingError {
  return new OperatingError(`Nobody knows whether the last append of ${id} reached the log; it must take a new epoch.`, {
    code: 'PRODUCER_UNCERTAIN',
    retryable: false,
    cause,
  });
}
