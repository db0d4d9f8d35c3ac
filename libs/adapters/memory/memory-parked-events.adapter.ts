import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import {
  ParkedEvents,
  type Clock,
  type HoldChanges,
  type LateEvent,
  type NewParkedEvent,
  type ParkedEvent,
  type ParkedFilter,
  type ParkedOrder,
  type ParkedPlace,
  type ParkedQueue,
  type ProjectionPartition,
  type RedriveCommit,
} from '#ports';

type Version = Pick<ParkedPlace, 'projection' | 'version'>;
type Holder = Projection<DomainEvent>;

/** How far a version has read a partition. */
export type PassedTo = (version: Version, at: ProjectionPartition) => bigint;

/** What the versions of a {@link import('./memory-projection-store.adapter.ts').MemoryProjectionStore} have set aside. */
export class MemoryParkedEvents extends ParkedEvents {
  readonly #clock: Clock;
  readonly #passedTo: PassedTo;
  #rows: readonly ParkedEvent[] = [];

  constructor(clock: Clock, passedTo: PassedTo) {
    super();
    this.#clock = clock;
    this.#passedTo = passedTo;
  }

  /** Those that nobody has dealt with. */
  get standing(): number {
    return this.#rows.filter(({ state }) => state === 'parked').length;
  }

  override async blocking(projection: Holder, at: ProjectionPartition): Promise<readonly ParkedEvent[]> {
    return this.#rows.filter((row) => row.state === 'parked' && isAt(row, placeOf(projection, at)));
  }

  override async list({ projection, topic, key, limit }: ParkedFilter): Promise<readonly ParkedEvent[]> {
    const matches = (row: ParkedEvent): boolean =>
      row.state === 'parked' &&
      !row.late &&
      (projection === undefined || row.projection === projection) &&
      (topic === undefined || row.topic === topic) &&
      (key === undefined || row.key === key);
    return this.#rows.filter(matches).slice(0, limit);
  }

  override async show(place: ParkedPlace): Promise<ParkedEvent | undefined> {
    return this.#rows.find((row) => isThe(row, place));
  }

  override async order(place: ParkedPlace, order: ParkedOrder): Promise<boolean> {
    const row = await this.show(place);
    if (row === undefined || row.state !== 'parked' || row.late) return false;
    if (row.order === undefined) this.#set(row, { order, orderFailed: false });
    return row.order === undefined || row.order.id === order.id;
  }

  override async orderLate({ topic, partition, offset, ...about }: LateEvent, order: ParkedOrder, versions: readonly Version[]): Promise<number> {
    let taken = 0;
    for (const { projection, version } of versions) {
      const place = { projection, version, topic, partition, offset };
      if (this.#passedTo(place, place) <= offset) continue;
      taken++;
      if (this.#rows.some((row) => isThe(row, place))) continue;
      const none = { code: '', message: '', stack: '' };
      const late = { ...place, ...about, key: '', tenant: undefined, failure: none, attempts: 0, parkedAtMs: this.#clock.now(), late: true, told: true, order };
      this.#rows = [...this.#rows, { ...late, state: 'parked', next: offset, held: 0, applied: 0, orderFailed: false }];
    }
    return taken;
  }

  override async ordered(): Promise<readonly ParkedEvent[]> {
    return this.#rows.filter(({ state, order, orderFailed }) => state === 'parked' && order !== undefined && !orderFailed);
  }

  override async untold(limit: number): Promise<readonly ParkedEvent[]> {
    return this.#rows.filter(({ told, state, orderFailed }) => !told || state !== 'parked' || orderFailed).slice(0, limit);
  }

  override async told(seen: ParkedEvent): Promise<void> {
    const row = await this.show(seen);
    if (row === undefined) return;
    if (seen.state !== 'parked' || (seen.late && seen.orderFailed)) this.#rows = this.#rows.filter((one) => one !== row);
    else if (seen.orderFailed && row.order?.id === seen.order?.id) this.#set(row, { told: true, order: undefined, orderFailed: false });
    else this.#set(row, { told: true });
  }

  /** True when the holds of a commit fit what is parked. */
  fits(projection: Holder, at: ProjectionPartition, { held, parked, released }: HoldChanges): boolean {
    const place = placeOf(projection, at);
    const isParked = (queue: ParkedQueue): boolean => parked.some((one) => isOf(one, queue)) || this.#blocking(place, queue) !== undefined;
    return released.every(({ offset, next }) => this.#parked(projection, at, offset)?.next === next) && held.every(isParked);
  }

  /** What a commit sets aside. */
  hold(projection: Holder, at: ProjectionPartition, { parked, held, released }: HoldChanges): void {
    const place = placeOf(projection, at);
    for (const { offset } of released) this.#end(this.#parked(projection, at, offset) as ParkedEvent);
    for (const event of parked) this.#park(place, event);
    for (const { key, tenant, count } of held) {
      const row = this.#blocking(place, { key, tenant });
      if (row !== undefined) this.#set(row, { held: row.held + count });
    }
  }

  /** True when the redrive goes on from where it stands. */
  stands({ projection, at, offset, from }: RedriveCommit): boolean {
    return this.#parked(projection, at, offset)?.next === from;
  }

  redriven({ projection, at, offset, to, applied, outcome }: RedriveCommit): void {
    const row = this.#parked(projection, at, offset) as ParkedEvent;
    // The parked event itself was never counted as held.
    const isFirst = row.next <= offset && to > offset;
    const held = row.held - Math.max(0, isFirst ? applied - 1 : applied);
    const moved = { next: to, held, applied: row.applied + applied };
    if (outcome.kind === 'failed') this.#set(row, { ...moved, failure: outcome.failure, attempts: row.attempts + 1, orderFailed: true });
    else if (outcome.kind === 'progress') this.#set(row, moved);
    else this.#end(this.#set(row, moved));
    if (outcome.kind === 'moved') this.#park(placeOf(projection, at), outcome.parked, held - 1);
  }

  /** Everything that a version has set aside, which goes with its rows. */
  take({ name, version }: Pick<Holder, 'name' | 'version'>): readonly ParkedEvent[] {
    const isOf = (row: ParkedEvent): boolean => row.projection === name && row.version === version;
    const taken = this.#rows.filter(isOf);
    this.#rows = this.#rows.filter((row) => !isOf(row));
    return taken;
  }

  put(rows: readonly ParkedEvent[]): void {
    this.#rows = [...this.#rows, ...rows];
  }

  #park(place: Version & ProjectionPartition, event: NewParkedEvent, held = 0): void {
    const fresh = { state: 'parked', next: event.offset, held, applied: 0, order: undefined, orderFailed: false, told: false, late: false } as const;
    this.#rows = [
      ...this.#rows.filter((row) => !isThe(row, { ...place, offset: event.offset })),
      { ...place, ...event, ...fresh, parkedAtMs: this.#clock.now() },
    ];
  }

  #parked(projection: Holder, at: ProjectionPartition, offset: bigint): ParkedEvent | undefined {
    return this.#rows.find((row) => row.state === 'parked' && isThe(row, { ...placeOf(projection, at), offset }));
  }

  /** The parked event behind which the others of a queue wait. */
  #blocking(place: Version & ProjectionPartition, queue: ParkedQueue): ParkedEvent | undefined {
    return this.#rows.find((row) => row.state === 'parked' && !row.late && isOf(row, queue) && isAt(row, place));
  }

  #end(row: ParkedEvent): void {
    this.#set(row, { state: row.order?.verb === 'discard' ? 'discarded' : 'redriven' });
  }

  #set(row: ParkedEvent, change: Partial<ParkedEvent>): ParkedEvent {
    const changed = { ...row, ...change };
    this.#rows = this.#rows.map((one) => (one === row ? changed : one));
    return changed;
  }
}

function placeOf({ name, version }: Holder, { topic, partition }: ProjectionPartition): Version & ProjectionPartition {
  return { projection: name, version, topic, partition };
}

function isAt(row: ParkedEvent, { projection, version, topic, partition }: Version & ProjectionPartition): boolean {
  return row.projection === projection && row.version === version && row.topic === topic && row.partition === partition;
}

function isOf(one: ParkedQueue, { key, tenant }: ParkedQueue): boolean {
  return one.key === key && one.tenant === tenant;
}

function isThe(row: ParkedEvent, place: ParkedPlace): boolean {
  return row.offset === place.offset && isAt(row, place);
}
