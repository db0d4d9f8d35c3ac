import { hasCode, OperatingError } from '#kernel';
import { eventLogErrors, type EventLog, type Lease, type LeaseStore, type Position, type PublicationBatch, type PublicationStore } from '#ports';
import type { Logger } from '../logging.ts';
import { pause } from '../pause.ts';
import { producerPrefix } from './intake-identity.ts';
import { publicationKeyOf } from './publication-key.ts';

export interface OrphansDeps {
  readonly log: EventLog;
  readonly publications: PublicationStore;
  readonly leases: LeaseStore;
  readonly logger: Logger;
}

export interface OrphansInit {
  readonly owner: string;
  readonly leaseTtlMs: number;
}

const readLimits = { recordsMax: 2_000, bytesMax: 4_194_304, waitMs: 0 } as const;

/**
 * Settles batches whose owner is gone. First the log is told to take nothing more from the owner, so that one that only
 * slept cannot append late; then the log is searched for the batch's ids, from where it stood before the append.
 */
export class Orphans {
  readonly #init: OrphansInit;
  readonly #deps: OrphansDeps;

  constructor(init: OrphansInit, deps: OrphansDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /**
   * Resolves once all batches are settled, by their owners or by us.
   * @throws OperatingError `INTAKE_UNAVAILABLE` when an owner that is alive does not come to an end within `patienceMs`.
   */
  async settled(ids: readonly bigint[], patienceMs: number, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 250)) {
      const open = (await this.#deps.publications.batches(ids)).filter(({ positions }) => positions === undefined);
      let waiting = 0;
      for (const batch of open) if (!(await this.settle(batch))) waiting++;
      if (waiting === 0) return;
      if (signal.aborted || performance.now() >= deadline) {
        throw new OperatingError('Another gateway is still publishing these ids.', { code: 'INTAKE_UNAVAILABLE', retryable: true });
      }
      await pause(pauseMs, signal);
    }
  }

  /** Settles what was left behind long enough ago; called now and then. */
  async sweep(olderThanMs: number): Promise<void> {
    for (const batch of await this.#deps.publications.unsettled(olderThanMs, 100)) await this.settle(batch);
  }

  /** True when the batch is settled; false when its owner is still at it. */
  async settle(batch: PublicationBatch): Promise<boolean> {
    const fence = await this.#fenceAgainst(batch);
    if (fence === undefined) return false;
    try {
      await this.#shutOut(batch, fence.epoch);
      const positions = await this.#search(batch);
      const found = positions.filter((position) => position !== undefined).length;
      if (await this.#deps.publications.settle(batch.id, positions)) {
        const { id, topic, producer, epoch } = batch;
        this.#deps.logger.info({ batch: `${id}`, topic, producer, epoch: `${epoch}`, found }, 'settled a publication whose owner is gone');
      }
      return true;
    } finally {
      if (fence.ours) await this.#deps.leases.release(fence.lease).catch(() => undefined);
    }
  }

  /** An epoch greater than the batch's; undefined while its owner lives. */
  async #fenceAgainst({
    producer,
    epoch,
  }: PublicationBatch): Promise<{ epoch: bigint; ours: false } | { epoch: bigint; ours: true; lease: Lease } | undefined> {
    const held = (await this.#deps.leases.list(producerPrefix)).find(({ name }) => name === producer);
    if (held !== undefined && held.epoch > epoch) return { epoch: held.epoch, ours: false };
    if (held !== undefined && !held.expired) return undefined;
    const lease = await this.#deps.leases.acquire(producer, this.#init.owner, this.#init.leaseTtlMs);
    return lease === undefined ? undefined : { epoch: lease.epoch, ours: true, lease };
  }

  async #shutOut({ topic, producer }: PublicationBatch, epoch: bigint): Promise<void> {
    try {
      await this.#deps.log.append(topic, [], { producer: { id: producer, epoch, sequence: 0n } });
    } catch (error) {
      // A newer epoch, or this one at work already: the older one is out either way.
      if (!hasCode(error, 'PRODUCER_FENCED') && !hasCode(error, 'SEQUENCE_GAP')) throw error;
    }
  }

  async #search(batch: PublicationBatch): Promise<readonly (Position | undefined)[]> {
    const entries = await this.#deps.publications.entries(batch.id);
    const places = new Map(entries.map(({ key, place }) => [key, place]));
    const positions = Array.from<Position | undefined>({ length: Math.max(0, ...entries.map(({ place }) => place + 1)) });
    if (places.size === 0) return positions;
    for (const { partition, low, high } of await this.#deps.log.heads(batch.topic)) {
      const head = batch.heads[partition] ?? low;
      for (let from = head < low ? low : head; from < high;) {
        const { records, next } = await this.#deps.log.read(batch.topic, partition, from, readLimits);
        for (const { headers, offset } of records) {
          const place = places.get(publicationKeyOf(headers['ce_tenant'] ?? '', headers['ce_id'] ?? '').key);
          if (place !== undefined) positions[place] ??= { partition, offset };
        }
        if (next <= from) throw eventLogErrors.endsEarly(batch.topic, partition, from, high);
        from = next;
      }
    }
    return positions;
  }
}
