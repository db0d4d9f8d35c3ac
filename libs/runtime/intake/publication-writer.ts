import type { Context } from '#events';
import { assert, hasCode, OperatingError } from '#kernel';
import { firstSequence, type EventLog, type Lease, type LeaseStore, type Position, type PublicationBatch, type PublicationStore, type Reserved } from '#ports';
import type { Logger } from '../logging.ts';
import { backOffMs, pause, withTimeout } from '../pause.ts';
import type { IntakeIdentity } from './intake-identity.ts';
import { IntakeQueue, type Request } from './intake-queue.ts';
import { LogHeads } from './log-heads.ts';
import type { Orphans } from './orphans.ts';
import type { PersonalData } from '../personal/personal-data.ts';
import { PublicationGroup, type TopicBatch } from './publication-group.ts';
import { formerRepetitions } from './seal-people.ts';

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
  readonly personal?: PersonalData | undefined;
}

export function unavailable(message: string, cause?: unknown): OperatingError {
  return new OperatingError(message, { code: 'INTAKE_UNAVAILABLE', retryable: true, cause });
}

function failureOf(error: unknown): unknown {
  return hasCode(error, 'INTAKE_UNAVAILABLE') ? error : unavailable('An engine is away.', error);
}

/** An epoch of ours, and where we are in it. */
interface Session {
  readonly lease: Lease;
  /** Where its sequences begin. */
  readonly first: bigint;
  /** Of each topic, the sequence of the next record. */
  readonly sequences: Map<Context, bigint>;
}

/** A group whose ids are reserved in the name of a session. */
interface ReservedGroup {
  readonly group: PublicationGroup;
  readonly session: Session;
  readonly reserved: Reserved;
}

const appendTimeoutMs = 10_000;
/** Epochs that are taken until the log knows one not yet. The second is beyond all; others may take more meanwhile. */
const beginTriesMax = 20;
/** Requests that wait for ids of another gateway at once. */
const waitingMax = 1_000;
/** After these nothing was written, or the same sequence finds out. */
const repeatable = ['LOG_UNAVAILABLE', 'LOG_FULL', 'APPEND_TIMEOUT'];

/**
 * Takes requests to the log in groups: one reservation of all ids, one append per topic, one word of where they are. While
 * a group is appended the ids of the next are reserved, and the one after that gathers, so that neither engine waits for the
 * other, and the slower they are, the larger the groups.
 */
export class PublicationWriter {
  readonly #init: PublicationWriterInit;
  readonly #deps: PublicationWriterDeps;
  readonly #queue: IntakeQueue;
  readonly #heads: LogHeads;
  readonly #stop = new AbortController();
  /** Batches of ours that are on the log while the store has not heard of it yet. */
  readonly #unsaid = new Map<bigint, PublicationBatch>();
  #session: Session | undefined;
  #reserving: Promise<void> | undefined;
  /** The group whose turn it is; never fails. */
  #appending: Promise<void> | undefined;
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
    this.#go();
  }

  /** Writes what is waiting and ends. */
  async stop(): Promise<void> {
    this.#stop.abort();
    while (this.#isBusy) await (this.#reserving ?? this.#appending ?? pause(5));
  }

  get #isBusy(): boolean {
    return this.#reserving !== undefined || this.#appending !== undefined || this.#waiting > 0;
  }

  #go(): void {
    this.#reserving ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#queue.events > 0) {
      // Requests of the same turn of the event loop share a group.
      await new Promise((resolve) => setImmediate(resolve));
      const reserved = await this.#prepare(new PublicationGroup(this.#queue.takeGroup(this.#init.groupEventsMax)));
      await this.#appending;
      if (reserved !== undefined) this.#startAppending(reserved);
    }
    this.#reserving = undefined;
  }

  #startAppending(reserved: ReservedGroup): void {
    const appending = this.#write(reserved)
      .catch((error: unknown) => reserved.group.fail(failureOf(error)))
      .finally(() => {
        if (this.#appending === appending) this.#appending = undefined;
      });
    this.#appending = appending;
  }

  /** Reserves the ids of a group; undefined when that failed, and everybody knows. */
  async #prepare(group: PublicationGroup): Promise<ReservedGroup | undefined> {
    try {
      const topics = group.topics.map(({ topic }) => topic);
      const session = await this.#current(topics);
      await this.#heads.refresh(topics);
      const batches = group.batches((topic) => this.#heads.of(topic));
      const { name, epoch } = session.lease;
      return { group, session, reserved: await this.#reserve({ producer: name, epoch, batches }) };
    } catch (error) {
      group.fail(failureOf(error));
      return undefined;
    }
  }

  /** What the groups before it wrote is known by now: an id that they share is a repetition. */
  async #write({ group, session, reserved }: ReservedGroup): Promise<void> {
    if (!this.#deps.identity.holds(session.lease)) return this.#startOver(group);
    await this.#judge(group, reserved);
    for (const [request, ids] of group.waiting) this.#wait(request, ids);
    for (let at = 0; at < group.topics.length; at++) {
      const batch = group.topics[at] as TopicBatch;
      const positions = await this.#append(batch, session);
      this.#heads.moved(batch.topic, positions);
      group.written(batch, positions);
      this.#say(reserved.ids[at] as bigint, batch, session.lease, PublicationGroup.positions(batch, positions));
    }
    group.answer();
  }

  async #judge(group: PublicationGroup, reserved: Reserved): Promise<void> {
    try {
      const known = new Map((await this.#known(reserved.known.map(({ batch }) => batch))).map((batch) => [batch.id, batch]));
      const repetitions = await formerRepetitions(group.remembered(reserved), this.#deps.personal);
      group.judge(reserved, (id) => known.get(id), repetitions);
    } catch (error) {
      // Its ids are reserved and nothing of it will be appended: without an owner they are found out about.
      this.#deps.identity.lose();
      throw error;
    }
  }

  /**
   * The epoch ended after the ids were reserved in it: what was appended in it before may be unknown, so nothing more is.
   * They are reserved once more, which finds a batch without an owner, on the log nowhere.
   */
  #startOver({ requests }: PublicationGroup): void {
    for (const request of requests.toReversed()) this.#queue.putBack(request);
    this.#go();
  }

  /** The producer to append under, in an epoch in which the log has nothing of these topics but what we wrote ourselves. */
  async #current(topics: readonly Context[]): Promise<Session> {
    for (let tries = 1; ; tries++) {
      const lease = await this.#deps.identity.current();
      if (this.#session?.lease !== lease) this.#session = { lease, first: firstSequence(), sequences: new Map() };
      const known = await this.#begin(this.#session, topics);
      if (known === undefined) return this.#session;
      if (tries === beginTriesMax) throw unavailable('The event log knows every epoch that this process is given.');
      const { name: producer, epoch } = lease;
      this.#deps.logger.warn(
        { producer, epoch: `${epoch}`, known: `${known}` },
        'the log knows this epoch of the intake, or a greater one; going on beyond it',
      );
      this.#deps.identity.lose(known);
    }
  }

  /** Answers the epoch of a topic that is not ours; undefined when the session may append to all of them. */
  async #begin({ lease, first, sequences }: Session, topics: readonly Context[]): Promise<bigint | undefined> {
    for (const topic of topics) {
      if (sequences.has(topic)) continue;
      try {
        const producer = { id: lease.name, epoch: lease.epoch, sequence: first, begins: true } as const;
        await this.#insist(() => this.#deps.log.append(topic, [], { producer }));
      } catch (error) {
        if (hasCode(error, 'PRODUCER_FENCED')) return (await this.#deps.log.producer(topic, lease.name))?.epoch ?? lease.epoch;
        throw unavailable('The event log does not answer.', error);
      }
      sequences.set(topic, first);
    }
    return undefined;
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
          this.#go();
        },
        (error: unknown) => request.reject(failureOf(error)),
      )
      .finally(() => this.#waiting--)
      .catch(() => undefined);
  }

  async #append(batch: TopicBatch, { lease, sequences }: Session): Promise<readonly Position[]> {
    const records = PublicationGroup.kept(batch).map(({ entry }) => entry.event.record);
    if (records.length === 0) return [];
    const sequence = sequences.get(batch.topic);
    assert(sequence !== undefined, 'a session begins in a topic before it appends to it');
    const options = { producer: { id: lease.name, epoch: lease.epoch, sequence } };
    try {
      const positions = await this.#insist(() => this.#deps.log.append(batch.topic, records, options));
      sequences.set(batch.topic, sequence + BigInt(records.length));
      return positions;
    } catch (error) {
      this.#deps.identity.lose();
      throw unavailable('The event log does not answer.', error);
    }
  }

  /** Appends under one sequence until the log has taken it, or the time for it is over. */
  async #insist(append: () => Promise<readonly Position[]>): Promise<readonly Position[]> {
    const startedAt = performance.now();
    for (let failures = 0; ; failures++) {
      try {
        return await withTimeout(append(), appendTimeoutMs, 'APPEND_TIMEOUT');
      } catch (error) {
        const waitMs = backOffMs(failures, 20, 1_000);
        const isLate = performance.now() - startedAt + waitMs > this.#init.appendBudgetMs;
        if (isLate || !repeatable.some((code) => hasCode(error, code))) throw error;
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
