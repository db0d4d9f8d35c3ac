import { decodeEvent, originOf, type DomainEvent, type StoredRecord } from '#events';
import { hasCode, OperatingError, type Intent, type Reactor } from '#kernel';
import type { EffectStore, EventLog, NewEffect, ReactorPartition, ReadBatch, ReadLimits } from '#ports';
import { reactorBehindNote } from '../consumer/behind-log.ts';
import { invalidityOf, type Parking } from '../consumer/parking.ts';
import { pause, withTimeout } from '../pause.ts';
import { intentKey } from './intent-key.ts';

/** A reactor, and how to learn what it has to know. */
export interface BoundReactor {
  readonly reactor: Reactor<DomainEvent>;
  /** Asked after events were read, so that the answer is at least as new as they are; undefined for one that knows nothing. */
  readonly know?: () => Promise<unknown>;
}

export interface ReactorTaskInit {
  readonly bound: BoundReactor;
  readonly at: ReactorPartition;
  /** Of the lease that covers the partition. */
  readonly epoch: bigint;
  readonly log: EventLog;
  readonly effects: EffectStore;
  readonly parking?: Parking | undefined;
  /** Told that intents were written. */
  readonly onIntents: () => void;
}

interface Reaction {
  readonly effects: readonly NewEffect[];
  readonly repeats: readonly string[];
}

const limits: ReadLimits = { recordsMax: 500, bytesMax: 4 * 1024 * 1024, waitMs: 5000 };
const answerMsMax = 15_000;
/** A partition that was read to its end is left alone for so long. */
const restMs = 20;
/** A position that no intent comes with is written so often: to read such events once more does no harm. */
const noteEveryMs = 5000;

/** Carries one partition into one reactor, from its checkpoint on, until it is told to stop or something fails. */
export class ReactorTask {
  readonly #init: ReactorTaskInit;
  readonly #handled: ReadonlySet<string>;

  constructor(init: ReactorTaskInit) {
    this.#init = init;
    this.#handled = new Set(init.bound.reactor.handles);
  }

  /** @throws OperatingError `CHECKPOINT_FENCED`, `REACTOR_SUPERSEDED`, `REACTOR_FAILED`, `REACTOR_BEHIND_LOG`, and what log or store failed with */
  async run(stop: AbortSignal, onMoved: () => void): Promise<void> {
    const { bound, at, epoch, effects } = this.#init;
    let written = await withTimeout(effects.claim(bound.reactor, at, epoch), answerMsMax, 'STORE_TIMEOUT');
    let position = written;
    let notedAt = performance.now();
    const note = async (reaction: Reaction): Promise<void> => {
      const commit = effects.commit({ reactor: bound.reactor, at, from: written, to: position, epoch, ...reaction });
      await withTimeout(commit, answerMsMax, 'STORE_TIMEOUT');
      written = position;
      notedAt = performance.now();
      onMoved();
    };
    while (!stop.aborted) {
      const { records, next, high } = await this.#read(position, stop);
      position = next;
      const reaction = await this.#react(records);
      const isAsked = reaction.effects.length + reaction.repeats.length > 0;
      if (isAsked || (position > written && performance.now() - notedAt >= noteEveryMs)) await note(reaction);
      if (isAsked) this.#init.onIntents();
      if (next === high) await pause(restMs, stop);
    }
    if (position > written) await note({ effects: [], repeats: [] });
  }

  async #read(position: bigint, stop: AbortSignal): Promise<ReadBatch> {
    const { at, bound, log } = this.#init;
    try {
      return await withTimeout(log.read(at.topic, at.partition, position, limits, stop), limits.waitMs + answerMsMax, 'LOG_TIMEOUT');
    } catch (cause) {
      const low = hasCode(cause, 'OFFSET_OUT_OF_RANGE') ? (await log.heads(at.topic))[at.partition]?.low : undefined;
      if (low === undefined || position >= low) throw cause;
      const note = reactorBehindNote({ reactor: bound.reactor.name, ...at, position, low });
      throw new OperatingError(note, { code: 'REACTOR_BEHIND_LOG', retryable: false, cause });
    }
  }

  async #react(records: readonly StoredRecord[]): Promise<Reaction> {
    // Copies from another region were reacted to where they were written, unless it is them that something is to follow from.
    const isCopies = this.#init.bound.reactor.of === 'copies';
    const mine = records.filter((record) => this.#handled.has(record.headers['ce_type'] ?? '') && (originOf(record) !== undefined) === isCopies);
    if (mine.length === 0) return { effects: [], repeats: [] };
    const known = await withTimeout(Promise.resolve(this.#init.bound.know?.()), answerMsMax, 'STORE_TIMEOUT');
    const effects: NewEffect[] = [];
    const repeats: string[] = [];
    for (const record of mine) {
      const event = await this.#decode(record);
      if (event === undefined) continue;
      const counts = new Map<string, number>();
      for (const answer of this.#answers(event, record, known)) {
        if ('repeats' in answer) repeats.push(answer.repeats);
        else effects.push(this.#effectOf(answer, counts, event, record));
      }
    }
    return { effects, repeats };
  }

  #answers(event: DomainEvent, record: StoredRecord, known: unknown): ReturnType<Reactor<DomainEvent>['react']> {
    const { reactor } = this.#init.bound;
    try {
      return reactor.react({ event, recordedAtMs: record.recordedAt }, known);
    } catch (cause) {
      const place = `partition ${record.partition}, offset ${record.offset}`;
      throw new OperatingError(`${reactor.name} failed on ${event.type} (${place}).`, { code: 'REACTOR_FAILED', retryable: false, cause });
    }
  }

  #effectOf({ kind, lane, payload }: Intent, counts: Map<string, number>, event: DomainEvent, { offset }: StoredRecord): NewEffect {
    const index = counts.get(`${kind}/${lane}`) ?? 0;
    counts.set(`${kind}/${lane}`, index + 1);
    const { id: eventId, type: eventType, tenant, correlationId, traceparent } = event;
    const key = intentKey({ tenant, eventId, reactor: this.#init.bound.reactor.name, kind, lane, index });
    return { key, kind, lane, payload, index, eventId, eventType, tenant, correlationId, traceparent, offset };
  }

  /** What can never be read is set aside, as every reader does; nothing follows from it. */
  async #decode(record: StoredRecord): Promise<DomainEvent | undefined> {
    try {
      return decodeEvent(record);
    } catch (error) {
      const reason = invalidityOf(error);
      if (reason === undefined || this.#init.parking === undefined) throw error;
      await this.#init.parking.park(this.#init.at.topic, record, reason);
      return undefined;
    }
  }
}
