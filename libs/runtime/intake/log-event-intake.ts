import { admitEvent, EventInvalidError, KeyTimes, type AdmittedEvent, type Context, type IncomingEvent } from '#events';
import { checkRecordSize, type Clock, type EventLog, type LeaseStore, type PublicationStore } from '#ports';
import type { Logger } from '../logging.ts';
import { pause } from '../pause.ts';
import type { PersonalData } from '../personal/personal-data.ts';
import { EventIntake, type IntakeOptions, type PublishingCaller, type PublishOutcome, type PublishRejected } from './event-intake.ts';
import { IntakeIdentity } from './intake-identity.ts';
import type { Entry, Request } from './intake-queue.ts';
import { Orphans } from './orphans.ts';
import { checkIdTime, contentDigestOf, publicationKeyOf } from './publication-key.ts';
import { refuseRest } from './publication-group.ts';
import { sealPeople } from './seal-people.ts';
import { PublicationWriter, type PublicationWriterInit } from './publication-writer.ts';

export interface LogEventIntakeInit extends Partial<PublicationWriterInit> {
  /** Unique among all processes, a restarted one included, such as `node-1/gateway/<random>`. */
  readonly owner: string;
  /** How long a gateway that is gone keeps its batches to itself, ms; 5,000 by default. */
  readonly leaseTtlMs?: number;
  /** How old an unsettled batch has to be for others to look after it unasked, ms; 30,000 by default. */
  readonly sweepAfterMs?: number;
}

export interface LogEventIntakeDeps {
  readonly log: EventLog;
  readonly publications: PublicationStore;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Encrypts what tells of a person; without it events that do are not taken. */
  readonly personal?: PersonalData | undefined;
}

const defaults: PublicationWriterInit = {
  queueEventsMax: 20_000,
  queueSizeMax: 67_108_864,
  groupEventsMax: 4_000,
  appendBudgetMs: 8_000,
  patienceMs: 8_000,
};
const sweepEveryMs = 30_000;
const forgetEveryMs = 3_600_000;
const dayMs = 86_400_000;
/** About what the envelope of a record takes beside its data. */
const envelopeSize = 700;

/** The intake on a log and a publication store. */
export class LogEventIntake extends EventIntake {
  readonly #deps: LogEventIntakeDeps;
  readonly #identity: IntakeIdentity;
  readonly #orphans: Orphans;
  readonly #writer: PublicationWriter;
  readonly #times = new KeyTimes();
  readonly #stop = new AbortController();
  readonly #sweepAfterMs: number;
  #tending: Promise<unknown> = Promise.resolve();

  constructor({ owner, leaseTtlMs = 5_000, sweepAfterMs = 30_000, ...init }: LogEventIntakeInit, deps: LogEventIntakeDeps) {
    super();
    this.#deps = deps;
    this.#sweepAfterMs = sweepAfterMs;
    this.#identity = new IntakeIdentity({ owner, leaseTtlMs }, deps);
    this.#orphans = new Orphans({ owner: `${owner}/orphans`, leaseTtlMs }, deps);
    this.#writer = new PublicationWriter({ ...defaults, ...init }, { ...deps, identity: this.#identity, orphans: this.#orphans });
  }

  /** Events that wait to be written. */
  get depth(): number {
    return this.#writer.depth;
  }

  /** Tends what others left behind, in the background, until `stop`. */
  start(): void {
    const { logger, publications, clock } = this.#deps;
    const sweep = this.#every(sweepEveryMs, () => this.#orphans.sweep(this.#sweepAfterMs), 'publications that were left behind could not be settled', logger);
    const forget = this.#every(forgetEveryMs, () => publications.forget(Math.floor(clock.now() / dayMs)), 'old publications could not be forgotten', logger);
    this.#tending = Promise.all([sweep, forget]);
  }

  async #every(ms: number, work: () => Promise<void>, failure: string, logger: Logger): Promise<void> {
    for (const { signal } = this.#stop; !signal.aborted; await pause(ms, signal)) {
      await work().catch((err: unknown) => logger.warn({ err }, failure));
    }
  }

  /** Writes what was taken in and ends. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#writer.stop();
    await this.#tending;
    await this.#identity.stop();
  }

  override async publish(events: readonly IncomingEvent[], caller: PublishingCaller, options: IntakeOptions): Promise<readonly PublishOutcome[]> {
    const { tenant, actor, correlationId, traceparent } = caller;
    const nowMs = this.#deps.clock.now();
    const timeOf = (of: Context, key: string): number => this.#times.next(`${tenant} ${of} ${key}`, nowMs);
    const context = { nowMs, timeOf, tenant, actor, correlationId, traceparent, mayPublish: (to: Context) => caller.mayPublish(to) };
    return this.#write(events, (event) => admitEvent(event, context), tenant, options.together);
  }

  /** Writes events of the platform's own that are to be on the log once, however often they are said. */
  async publishOwn(events: readonly AdmittedEvent[], tenant: string): Promise<readonly PublishOutcome[]> {
    return this.#write(events, (event) => event, tenant, true);
  }

  async #write<Event extends IncomingEvent | AdmittedEvent>(
    events: readonly Event[],
    admit: (event: Event) => AdmittedEvent,
    tenant: string,
    together: boolean,
  ): Promise<readonly PublishOutcome[]> {
    const nowMs = this.#deps.clock.now();
    const entries: Entry[] = [];
    const outcomes: (PublishOutcome | undefined)[] = [];
    let size = 0;
    let [refused, people] = [false, false];
    for (let at = 0; at < events.length; at++) {
      const event = events[at] as Event;
      try {
        const entry = entryOf(admit(event), tenant, at, nowMs);
        entries.push(entry);
        people ||= entry.event.person !== undefined;
        outcomes.push(undefined);
        size += entry.event.record.value.length + envelopeSize;
      } catch (error) {
        outcomes.push(rejectionOf(error, 'attributes' in event ? event.attributes['id'] : event.id));
        refused = true;
      }
    }
    if (refused && together) refuseRest({ entries, outcomes });
    if (outcomes.every((outcome) => outcome !== undefined)) return outcomes;
    const sealed = people ? await sealPeople(entries, tenant, this.#deps.personal) : entries;
    return new Promise((resolve, reject) => {
      const request: Request = { entries: sealed, outcomes, together, size, resolve, reject };
      this.#writer.add(request);
    });
  }
}

function entryOf(event: AdmittedEvent, tenant: string, at: number, nowMs: number): Entry {
  checkSize(event);
  const key = publicationKeyOf(tenant, event.id);
  checkIdTime(key, nowMs);
  return { event, day: key.day, key: key.key, digest: contentDigestOf(event.content), at };
}

function checkSize({ record }: AdmittedEvent): void {
  try {
    checkRecordSize(record);
  } catch (error) {
    throw new EventInvalidError('EVENT_TOO_LARGE', error instanceof Error ? error.message : 'The event is too large.', 'data', error);
  }
}

function rejectionOf(error: unknown, id: unknown): PublishRejected {
  if (!(error instanceof EventInvalidError)) throw error;
  return {
    accepted: false,
    id: typeof id === 'string' ? id : undefined,
    code: error.code as PublishRejected['code'],
    field: error.field,
    message: error.message,
    retryable: false,
  };
}
