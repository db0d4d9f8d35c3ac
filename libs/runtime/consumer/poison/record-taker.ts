import type { DomainEvent, StoredRecord } from '#events';
import type { Projection } from '#kernel';
import type { ProjectionPartition, ReadBatch, Timers } from '#ports';
import { backOffMs, pause } from '../../pause.ts';
import { invalidityOf, type Parking } from '../parking.ts';
import type { PendingBatch } from '../pending-batch.ts';
import { projectRecord } from '../project-record.ts';
import { failureOf, isPoison, parkedOf, type PoisonLimits } from './poison.ts';

export interface RecordTakerInit {
  readonly projection: Projection<DomainEvent>;
  readonly at: ProjectionPartition;
  /** Without one, a record that cannot be read stops the partition. */
  readonly parking: Parking | undefined;
  /** Without them, an event that cannot be projected stops the partition. */
  readonly limits: PoisonLimits | undefined;
  /** Failures that trying again did not overcome before: the next event of the kind is tried twice, at once. */
  readonly known: Set<string>;
  readonly timers: Timers;
}

/** How an event failed at last. */
export interface Defeat {
  readonly error: unknown;
  readonly attempts: number;
}

const retryMostMs = 5000;
const knownMax = 100;

/** Folds records into a batch. What can never be read is set aside for all readers, what cannot be projected for this one; the rest goes on. */
export class RecordTaker {
  readonly #init: RecordTakerInit;
  #insisting = false;

  constructor(init: RecordTakerInit) {
    this.#init = init;
  }

  /** True while it tries an event again. */
  get insisting(): boolean {
    return this.#insisting;
  }

  /** @throws what no single event is to blame for, or passes by itself; everything before it is folded in. */
  async take(pending: PendingBatch, { records, next }: ReadBatch, stop: AbortSignal): Promise<void> {
    for (let rest = records; ;) {
      try {
        return pending.add(rest, next);
      } catch (error) {
        const place = rest.findIndex(({ offset }) => offset === pending.to);
        const record = rest[place];
        if (record === undefined || pending.spoiled) throw error;
        rest = rest.slice((await this.#setAside(pending, record, error, stop)) ? place + 1 : place);
      }
    }
  }

  /** False when the event can be taken after all. */
  async #setAside(pending: PendingBatch, record: StoredRecord, error: unknown, stop: AbortSignal): Promise<boolean> {
    const { parking, limits, at, projection } = this.#init;
    const reason = invalidityOf(error);
    if (reason !== undefined && parking !== undefined) {
      await parking.park(at.topic, record, reason);
      pending.skip(record);
      return true;
    }
    if (limits === undefined || !isPoison(error)) throw error;
    const again = async (): Promise<void> => void projectRecord(projection, record);
    const defeat = await this.insist(record, error, again, stop);
    if (defeat === undefined) return false;
    pending.park(parkedOf(record, defeat.error, defeat.attempts));
    return true;
  }

  /**
   * Tries an event again, with back-off, as often as it is worth it.
   * @returns how it failed at last; undefined when it did not.
   * @throws what is not poison, and the failure itself when it is told to stop meanwhile.
   */
  async insist(record: StoredRecord, failure: unknown, attempt: () => Promise<void>, stop: AbortSignal): Promise<Defeat | undefined> {
    this.#insisting = true;
    try {
      return await this.#insist(record, failure, attempt, stop);
    } finally {
      this.#insisting = false;
    }
  }

  async #insist(record: StoredRecord, failure: unknown, attempt: () => Promise<void>, stop: AbortSignal): Promise<Defeat | undefined> {
    const { limits, known, timers } = this.#init;
    const kind = `${failureOf(failure).code} ${record.headers['ce_type']}`;
    const isKnown = known.has(kind);
    const most = isKnown ? 2 : (limits?.attemptsMax ?? 1);
    let error = failure;
    for (let attempts = 1; attempts < most; attempts++) {
      if (!isKnown) await pause(backOffMs(attempts - 1, limits?.retryMs ?? 0, retryMostMs, timers), stop, timers);
      if (stop.aborted) throw error;
      try {
        await attempt();
        return undefined;
      } catch (again) {
        if (!isPoison(again)) throw again;
        error = again;
      }
    }
    if (known.size >= knownMax) known.clear();
    known.add(kind);
    return { error, attempts: most };
  }
}
