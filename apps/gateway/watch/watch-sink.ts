import { decodeEvent, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import type { ReadCondition, ReadRow, ReadSnapshot, ReadStore, RowKey } from '#ports';
import { asWritten, pause } from '#runtime';
import { laneIndex, type Positions } from '../events/event-filter.core.ts';
import type { LiveEvent, LogEntry } from '../events/log-entry.ts';
import type { Delivery, SubscriptionEnd, SubscriptionSink } from '../events/subscription.ts';
import { ProblemError } from '../http/problem.errors.ts';
import type { RowView } from '../review/shown-rows.ts';
import type { ReadTable } from './read-models.ts';
import type { Context } from '#events';

/** Where the rows go, by one protocol or another. */
export interface WatchOutput {
  /** Whether another message may be written now. */
  readonly hasRoom: boolean;
  readonly gone: boolean;
  /** Calls `wake` whenever one of the above may have changed. */
  watch(wake: () => void): void;
  /** @param token empty while there is none: what comes after it has to come again */
  write(rows: readonly ReadRow[], token: string, snapshot: boolean): void;
  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void;
}

export interface WatchSinkInit extends ReadTable {
  readonly output: WatchOutput;
  readonly reads: ReadStore;
  readonly shown: RowView;
  /** Conditions on columns of the key, as the caller gave them. */
  readonly where: readonly ReadCondition[];
  /** What keeps other tenants' rows out. */
  readonly confinement: readonly ReadCondition[];
  /** Of the version that was read first: with another one there is nothing to go on from. */
  readonly version: number;
  /** The rows that were read first: behind others, even of the same version, one cannot go on either. */
  readonly serving: string;
  /** The rows to begin with; none when a token said where to go on. */
  readonly snapshot: readonly ReadRow[] | undefined;
  readonly formatToken: (positions: Positions) => string;
}

/** Rows of one message. */
const rowsPerMessage = 200;
/** A read model is a few milliseconds behind its log; it is looked at again after so many, then after twice as many … */
const firstLookMs = 5;
const lastLookMs = 200;
/** Tokens without rows come at most every so many ms. */
const moveMs = 1_000;
/** … and to those who do not see every tenant's rows, when nothing of theirs changes, as seldom as heartbeats: others' doings are none of theirs. */
const confinedMoveMs = 10_000;

/** What each event does to each read model, worked out once for all who watch. */
const changesOf = new WeakMap<LogEntry, Map<Projection<DomainEvent>, readonly RowChange[]>>();

function changes(projection: Projection<DomainEvent>, entry: LogEntry): readonly RowChange[] {
  const known = changesOf.get(entry) ?? new Map<Projection<DomainEvent>, readonly RowChange[]>();
  changesOf.set(entry, known);
  let made = known.get(projection);
  if (made === undefined) {
    made = project(projection, entry);
    known.set(projection, made);
  }
  return made;
}

/** As the projector reads it, sealed. An event that cannot be read changes no row: the projector stops at it, or parks it. */
function project(projection: Projection<DomainEvent>, { record }: LogEntry): readonly RowChange[] {
  try {
    return projection.project(decodeEvent(asWritten(record)), record.recordedAt);
  } catch {
    return [];
  }
}

function isKeyOf(table: TableSpec, { key }: RowChange, where: readonly ReadCondition[]): boolean {
  return where.every(({ column, value }) => !Object.hasOwn(table.key, column) || key[column] === value);
}

/**
 * Writes the rows that events touch. The projection's own function says which they are; their values are read from the
 * read model once its checkpoint has passed the events, so a token never promises more than the rows before it show.
 */
export class WatchSink implements SubscriptionSink {
  readonly #init: WatchSinkInit;
  #rows: ReadRow[] = [];
  #openToken = '';
  #resolving = false;
  #movedAt: number;
  #failed: Error | undefined;
  #wake: () => void = () => undefined;
  readonly transport = 'watch';
  readonly held = false;
  readonly eventsMax = 500;

  constructor(init: WatchSinkInit) {
    this.#init = init;
    this.#movedAt = this.#isConfined ? performance.now() : Number.NEGATIVE_INFINITY;
  }

  get #isConfined(): boolean {
    return this.#init.confinement.length > 0;
  }

  get ready(): boolean {
    if (this.#failed !== undefined) throw this.#failed;
    // The snapshot leaves as fast as it is taken.
    while (this.#rows.length > 0 && this.#init.output.hasRoom) this.#writeSnapshot();
    return this.#rows.length === 0 && !this.#resolving && this.#init.output.hasRoom;
  }

  get gone(): boolean {
    return this.#init.output.gone;
  }

  watch(wake: () => void): void {
    this.#wake = wake;
    this.#init.output.watch(wake);
  }

  open(token: string): void {
    const { snapshot } = this.#init;
    this.#openToken = token;
    this.#rows = [...(snapshot ?? [])];
    if (this.#rows.length === 0) this.#write([], token, snapshot !== undefined);
  }

  deliver({ events }: Delivery): void {
    const { projection, table, where } = this.#init;
    const keys = new Map<string, RowKey>();
    for (const { entry } of events) {
      for (const change of changes(projection, entry)) {
        if (change.table !== table.name || !isKeyOf(table, change, where)) continue;
        const key = Object.fromEntries(Object.keys(table.key).map((name) => [name, change.key[name] as string | number | bigint]));
        keys.set(JSON.stringify(Object.values(key).map(String)), key);
      }
    }
    const last = events.at(-1) as LiveEvent;
    if (keys.size === 0) return this.#moveOn(last);
    this.#resolving = true;
    this.#resolve([...keys.values()], events)
      .catch((error: unknown) => (this.#failed = error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#resolving = false;
        this.#wake();
      });
  }

  /** Events of other rows: their only news is the token, and that can wait. */
  #moveOn({ positions }: LiveEvent): void {
    const now = performance.now();
    if (now < this.#movedAt + (this.#isConfined ? confinedMoveMs : moveMs)) return;
    this.#movedAt = now;
    this.#write([], this.#init.formatToken(positions), false);
  }

  beat(token: string): void {
    this.#write([], token, false);
    // Rows that changed places are noticed by those who wait for no event of theirs, too.
    if (!this.#resolving) void this.#check();
  }

  async #check(): Promise<void> {
    const { reads, projection, table } = this.#init;
    try {
      this.#requireSame(await reads.snapshot(projection.name, table, { limit: 1 }));
    } catch (error) {
      // A database that is away now is asked again at the next beat.
      if (!(error instanceof ProblemError)) return;
      this.#failed = error;
      this.#wake();
    }
  }

  /** @throws ProblemError when other rows serve than those that were read first */
  #requireSame({ version, serving }: ReadSnapshot): void {
    const { projection } = this.#init;
    if (version === this.#init.version && serving === this.#init.serving) return;
    throw new ProblemError({
      status: 409,
      code: 'read-model-rebuilt',
      detail: `The read model ${projection.name} was rebuilt. Watch it anew, without a token.`,
    });
  }

  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    this.#init.output.end(end, this.#resolving || this.#rows.length > 0 || this.#failed !== undefined ? '' : token, error);
  }

  async #resolve(keys: readonly RowKey[], events: readonly LiveEvent[]): Promise<void> {
    const { formatToken, shown, table } = this.#init;
    const needed = new Map<number, bigint>();
    for (const { entry } of events) needed.set(entry.lane, entry.next);
    const found: ReadRow[] = [];
    for (let at = 0; at < keys.length; at += rowsPerMessage) {
      const { rows } = await this.#caughtUp(keys.slice(at, at + rowsPerMessage), needed);
      for (const row of await shown.rows(table, rows)) found.push(row);
    }
    if (this.gone) return;
    const last = events.at(-1) as LiveEvent;
    if (found.length === 0 && this.#isConfined) return this.#moveOn(last);
    const token = formatToken(last.positions);
    for (let at = 0; at < found.length; at += rowsPerMessage) {
      const isLast = at + rowsPerMessage >= found.length;
      this.#write(found.slice(at, at + rowsPerMessage), isLast ? token : '', false);
    }
    if (found.length === 0) this.#write([], token, false);
  }

  /** The rows, once the read model has come as far as the events. @throws ProblemError when another version serves */
  async #caughtUp(keys: readonly RowKey[], needed: ReadonlyMap<number, bigint>): Promise<ReadSnapshot> {
    const { reads, projection, table, where, confinement } = this.#init;
    for (let lookMs = firstLookMs; ; lookMs = Math.min(lookMs * 2, lastLookMs)) {
      const snapshot = await reads.snapshot(projection.name, table, { keys, where: [...where, ...confinement], limit: keys.length });
      this.#requireSame(snapshot);
      const missing = new Map(needed);
      for (const { topic, partition, position } of snapshot.checkpoints) {
        const lane = laneIndex(topic as Context, partition);
        if (position >= (missing.get(lane) ?? position + 1n)) missing.delete(lane);
      }
      if (missing.size === 0 || this.gone) return snapshot;
      await pause(lookMs);
    }
  }

  #writeSnapshot(): void {
    const part = this.#rows.splice(0, rowsPerMessage);
    this.#write(part, this.#rows.length === 0 ? this.#openToken : '', true);
  }

  #write(rows: readonly ReadRow[], token: string, snapshot: boolean): void {
    this.#init.output.write(rows, token, snapshot);
  }
}
