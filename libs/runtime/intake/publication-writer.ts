import type { Context } from '#events';
import { hasCode, OperatingError } from '#kernel';
import type { EventLog, Lease, LeaseStore, Position, PublicationBatch, PublicationStore } from '#ports';
import type { Logger } from '../logging.ts';
import { backOffMs, pause, withTimeout } from '../pause.ts';
import type { IntakeIdentity } from './intake-identity.ts';
import { IntakeQueue, type Request } from './intake-queue.ts';
import { LogHeads } from './log-heads.ts';
import type { Orphans } from './orphans.ts';
import { PublicationGroup, type TopicBatch } from './publication-group.ts';

export interface PublicationWriterInit {
  /** Events and characters that may wait; what comes beyond is refused with `INTAKE_BUSY`. */
  readonly queueEventsMax: number;
  readonly queueSizeMax: number;
  /** Events of one reservation and, per topic, one append. */
  readonly groupEventsMax: number;
  /** How long an append is tried again under its sequence, ms. */
  readonly appendBudgetMs: number;
  /** How long a request waits for ids that another gateway is publishing, ms. */
  readonly patienceMs: number;
}

export interface PublicationWriterDeps {
  readonly log: EventLog;
  readonly publications: PublicationStore;
  readonly leases: LeaseStore;
  readonly identity: IntakeIdentity;
  readonly orphans: Orphans;
  readonly logger: Logger;
}

export function unavailable(message: string, cause?: unknown): OperatingError {
  return new OperatingError(message, { code: 'INTAKE_UNAVAILABLE', retryable: true, cause });
}

const appendTimeoutMs = 10_000;
/** Requests that wait for ids of another gateway at once. */
const waitingMax = 1_000;
/** After these nothing was written, or the same sequence finds out. */
const repeatable = ['LOG_UNAVAILABLE', 'LOG_FULL', 'APPEND_TIMEOUT'];

/**
 * Takes requests to the log in groups: one reservation of all ids, one append per topic, one word of where they are. While
 * a group is under way the next one gathers, so that the slower the engines, the larger the groups.
 */
export class PublicationWriter {
  readonly #init: PublicationWriterInit;
  readonly #deps: PublicationWriterDeps;
  readonly #queue: IntakeQueue;
  readonly #heads: LogHeads;
  readonly #stop = new AbortController();
  /** Batches of ours that are on the log while the store has not heard of it yet. */
  readonly #unsaid = new Map<bigint, PublicationBatch>();
  readonly #sequences = new Map<Context, bigint>();
  #epoch = -1n;
  #running: Promise<void> | undefined;
  #waiting = 0;

  constructor(init: PublicationWriterInit, deps: PublicationWriterDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#queue = new IntakeQueue(init.queueEventsMax, init.queueSizeMax);
    this.#heads = new LogHeads(deps.log);
  }

  /** Events that wait. */
  get depth(): number {
    return this.#queue.events;
  }

  /** @throws OperatingError `INTAKE_BUSY`, `INTAKE_STOPPED` */
  add(request: Request): void {
    if (this.#stop.signal.aborted) throw new OperatingError('This process ends; publish elsewhere.', { code: 'INTAKE_STOPPED', retryable: true });
    if (!this.#queue.offer(request)) {
      throw new OperatingError('More events come in than the log takes at the moment.', { code: 'INTAKE_BUSY', retryable: true });
    }
    this.#running ??= this.#run();
  }

  /** Writes what is waiting and ends. */
  async stop(): Promise<void> {
    this.#stop.abort();
    while (this.#running !== undefined || this.#waiting > 0) await (this.#running ?? pause(5));
  }

  async #run(): Promise<void> {
    while (this.#queue.events > 0) {
      // Requests of the same turn of the event loop share a group.
      await new Promise((resolve) => setImmediate(resolve));
      const group = new PublicationGroup(this.#queue.takeGroup(this.#init.groupEventsMax));
      try {
        await this.#write(group);
      } catch (error) {
        group.fail(hasCode(error, 'INTAKE_UNAVAILABLE') ? error : unavailable('An engine is away.', error));
      }
    }
    this.#running = undefined;
  }

  async #write(group: PublicationGroup): Promise<void> {
    const identity = await this.#identity();
    await this.#heads.refresh(group.topics.map(({ topic }) => topic));
    const batches = group.batches((topic) => this.#heads.of(topic));
    const reserved = await this.#reserve({ producer: identity.name, epoch: identity.epoch, batches });
    const known = new Map((await this.#known(reserved.known.map(({ batch }) => batch))).map((batch) => [batch.id, batch]));
    group.judge(reserved, (id) => known.get(id));
    for (const [request, ids] of group.waiting) this.#wait(request, ids);
    for (let at = 0; at < group.topics.length; at++) {
      const batch = group.topics[at] as TopicBatch;
      const positions = await this.#append(batch, identity);
      this.#heads.moved(batch.topic, positions);
      group.written(batch, positions);
      this.#say(reserved.ids[at] as bigint, batch, identity, PublicationGroup.positions(batch, positions));
    }
    group.answer();
  }

  /** The producer to append under, its sequences begun anew in a new epoch. */
  async #identity(): Promise<Lease> {
    const identity = await this.#deps.identity.current();
    if (identity.epoch !== this.#epoch) this.#sequences.clear();
    this.#epoch = identity.epoch;
    return identity;
  }

  async #reserve(reservation: Parameters<PublicationStore['reserve']>[0]): ReturnType<PublicationStore['reserve']> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#deps.publications.reserve(reservation);
      } catch (error) {
        // Rolled back for sure: two gateways wanted the same ids in turn.
        if (hasCode(error, 'DATABASE_CONTENDED') && attempt < 5) {
          await pause(backOffMs(attempt, 5, 100));
          continue;
        }
        // It may have been committed; in a new epoch such ids have no owner, and are found out about.
        this.#deps.identity.lose();
        throw error;
      }
    }
  }

  async #known(ids: readonly bigint[]): Promise<readonly PublicationBatch[]> {
    const distinct = [...new Set(ids)];
    const mine = distinct.flatMap((id) => this.#unsaid.get(id) ?? []);
    return [...mine, ...(await this.#deps.publications.batches(distinct.filter((id) => !this.#unsaid.has(id))))];
  }

  /** Until the batches that hold its ids are settled; then it comes first. */
  #wait(request: Request, ids: readonly bigint[]): void {
    if (this.#waiting >= waitingMax) {
      return request.reject(new OperatingError('Too many requests wait for another gateway.', { code: 'INTAKE_BUSY', retryable: true }));
    }
    this.#waiting++;
    this.#deps.orphans
      .settled(ids, this.#init.patienceMs, this.#stop.signal)
      .then(
        () => {
          this.#queue.putBack(request);
          this.#running ??= this.#run();
        },
        (error: unknown) => request.reject(hasCode(error, 'INTAKE_UNAVAILABLE') ? error : unavailable('An engine is away.', error)),
      )
      .finally(() => this.#waiting--)
      .catch(() => undefined);
  }

  async #append(batch: TopicBatch, { name, epoch }: Lease): Promise<readonly Position[]> {
    const records = PublicationGroup.kept(batch).map(({ entry }) => entry.event.record);
    if (records.length === 0) return [];
    const sequence = this.#sequences.get(batch.topic) ?? 0n;
    const options = { producer: { id: name, epoch, sequence } };
    const startedAt = performance.now();
    for (let failures = 0; ; failures++) {
      try {
        const positions = await withTimeout(this.#deps.log.append(batch.topic, records, options), appendTimeoutMs, 'APPEND_TIMEOUT');
        this.#sequences.set(batch.topic, sequence + BigInt(records.length));
        return positions;
      } catch (error) {
        const waitMs = backOffMs(failures, 20, 1_000);
        const isLate = performance.now() - startedAt + waitMs > this.#init.appendBudgetMs;
        if (isLate || !repeatable.some((code) => hasCode(error, code))) {
          this.#deps.identity.lose();
          throw unavailable('The event log does not answer.', error);
        }
        await pause(waitMs);
      }
    }
  }

  /** Tells the store where a batch is. Nobody waits for it: should it never hear, whoever asks finds out on the log. */
  #say(id: bigint, { topic }: TopicBatch, { name, epoch }: Lease, positions: readonly (Position | undefined)[]): void {
    this.#unsaid.set(id, { id, topic, producer: name, epoch, heads: [], positions });
    this.#deps.publications
      .settle(id, positions)
      .catch((err: unknown) => {
        this.#deps.logger.warn({ err, batch: `${id}` }, 'the place of a publication could not be noted; it will be looked for');
        // In this epoch nobody would look: the batch has an owner who is at work.
        this.#deps.identity.lose();
      })
      .finally(() => this.#unsaid.delete(id));
  }
}
