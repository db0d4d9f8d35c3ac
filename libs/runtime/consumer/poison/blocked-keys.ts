import type { StoredRecord } from '#events';
import type { HeldEvents, HoldChanges, NewParkedEvent, ParkedEvent, ParkedOrder, ParkedQueue, ReleasedKey } from '#ports';
import { tooMuchPoison, type PoisonLimits } from './poison.ts';
import { QueueMap } from './queue-map.ts';

/** A key of a tenant whose events wait behind one that was parked. */
export interface BlockedKey extends ParkedQueue {
  /** Of the parked event. */
  readonly offset: bigint;
  readonly eventType: string;
  readonly parkedAtMs: number;
  /** Everything of the queue before is taken … */
  next: bigint;
  /** … and this is how far the store knows. */
  stored: bigint;
  held: number;
  order: ParkedOrder | undefined;
}

function blockedBy(event: ParkedEvent): BlockedKey {
  const { key, tenant, offset, eventType, parkedAtMs, next, held, order, orderFailed } = event;
  return { key, tenant, offset, eventType, parkedAtMs, next, stored: next, held, order: orderFailed ? undefined : order };
}

/** What the batches since the last commit have set aside. */
class Holds {
  readonly parked: NewParkedEvent[] = [];
  readonly held = new QueueMap<HeldEvents>();
  readonly released: ReleasedKey[] = [];

  get isEmpty(): boolean {
    return this.parked.length + this.held.size + this.released.length === 0;
  }
}

/** What a reader of a partition begins with. */
export interface StoredHolds {
  readonly parked: readonly ParkedEvent[];
  /** Offsets that the projection leaves out for good. */
  readonly leftOut: ReadonlySet<bigint>;
}

/**
 * The blocked keys of a partition for a projection, as the reader of the partition knows them: what is stored, and what the
 * batch under way adds. Nothing is asked of it while no key is blocked.
 */
export class BlockedKeys {
  readonly #limits: PoisonLimits;
  readonly #now: () => number;
  readonly #keys = new QueueMap<BlockedKey>();
  readonly #ordered = new Set<BlockedKey>();
  readonly #leftOut: ReadonlySet<bigint>;
  #late: ParkedEvent[];
  #heldTotal = 0;
  #holds = new Holds();

  constructor({ parked, leftOut }: StoredHolds, limits: PoisonLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#leftOut = leftOut;
    this.#late = parked.filter(({ late }) => late);
    for (const event of parked) {
      if (event.late) continue;
      const blocked = blockedBy(event);
      this.#keys.set(blocked, blocked);
      if (blocked.order !== undefined) this.#ordered.add(blocked);
      this.#heldTotal += event.held;
    }
  }

  get size(): number {
    return this.#keys.size;
  }

  get held(): number {
    return this.#heldTotal;
  }

  /** When the oldest of them was parked, ms since the Unix epoch; undefined when none is. */
  get oldestMs(): number | undefined {
    let oldest: number | undefined;
    for (const { parkedAtMs } of this.#keys.values()) if (oldest === undefined || parkedAtMs < oldest) oldest = parkedAtMs;
    return oldest;
  }

  /** False once another event of the queue was parked in its place. */
  isThere(blocked: BlockedKey): boolean {
    return this.#keys.get(blocked) === blocked;
  }

  /** True for an event that was discarded. */
  leavesOut(offset: bigint): boolean {
    return this.#leftOut.size > 0 && this.#leftOut.has(offset);
  }

  /** What the record waits behind; undefined when it is taken as it comes. */
  behind(record: StoredRecord): BlockedKey | undefined {
    return this.#keys.of(record);
  }

  /** @throws OperatingError `PARKED_TOO_MANY` when too many wait already; then nothing was changed. */
  hold(blocked: BlockedKey, offset: bigint): void {
    // Taken by a redrive that was ahead of the checkpoint, or the parked event itself.
    if (offset < blocked.next || offset <= blocked.offset) return;
    if (this.#heldTotal >= this.#limits.heldMax) throw tooMuchPoison(`${this.#heldTotal} events behind parked ones`);
    blocked.held++;
    this.#heldTotal++;
    const { key, tenant } = blocked;
    this.#holds.held.set(blocked, { key, tenant, count: (this.#holds.held.get(blocked)?.count ?? 0) + 1, last: offset });
  }

  /** @throws OperatingError `PARKED_TOO_MANY` when too many keys are blocked already; then nothing was changed. */
  park(event: NewParkedEvent): void {
    if (this.#keys.size >= this.#limits.keysMax) throw tooMuchPoison(`${this.#keys.size} keys of a partition`);
    this.#holds.parked.push(event);
    this.#block(event, 0);
  }

  /** Another event of the queue is parked in place of the one before. */
  move(from: BlockedKey, event: NewParkedEvent, taken: number): void {
    this.taken(from, taken);
    this.#ordered.delete(from);
    this.#heldTotal--;
    this.#block(event, from.held - 1);
  }

  /** Events of the queue that a redrive has taken. */
  taken(blocked: BlockedKey, count: number): void {
    const waited = blocked.stored <= blocked.offset && count > 0 ? count - 1 : count;
    blocked.held -= waited;
    this.#heldTotal -= waited;
  }

  /** The queue is empty: from `at` on its events are taken as they come. */
  release(blocked: BlockedKey, at: bigint): void {
    this.#keys.delete(blocked);
    this.#ordered.delete(blocked);
    this.#heldTotal -= blocked.held;
    this.#holds.held.delete(blocked);
    this.#holds.released.push({ offset: blocked.offset, next: blocked.stored, at });
  }

  /** Takes in what was asked for. */
  order(event: ParkedEvent): void {
    const { offset, order, late } = event;
    const blocked = this.#keys.get(event);
    if (late || order === undefined || blocked?.offset !== offset) return;
    blocked.order = order;
    this.#ordered.add(blocked);
  }

  /** What was asked for has failed: the key stays blocked. */
  orderDone(blocked: BlockedKey): void {
    blocked.order = undefined;
    this.#ordered.delete(blocked);
  }

  addLate(event: ParkedEvent): void {
    if (!this.#late.some(({ offset }) => offset === event.offset)) this.#late.push(event);
  }

  lateDone(event: ParkedEvent): void {
    this.#late = this.#late.filter((one) => one !== event);
  }

  /** Those whose redrive was asked for. */
  get ordered(): readonly BlockedKey[] {
    return [...this.#ordered];
  }

  /** True when there is something to redrive. */
  get wanted(): boolean {
    return this.#ordered.size + this.#late.length > 0;
  }

  get late(): readonly ParkedEvent[] {
    return this.#late;
  }

  /** True when a commit has something to say although the position is the same. */
  get hasHolds(): boolean {
    return !this.#holds.isEmpty;
  }

  /** What a commit has to say; undefined when that is nothing. */
  takeHolds(): HoldChanges | undefined {
    if (this.#holds.isEmpty) return undefined;
    const { parked, held, released } = this.#holds;
    this.#holds = new Holds();
    return { parked, held: [...held.values()], released };
  }

  #block({ key, tenant, offset, eventType }: NewParkedEvent, held: number): void {
    const blocked = { key, tenant, offset, eventType, parkedAtMs: this.#now(), next: offset, stored: offset, held, order: undefined };
    this.#keys.set(blocked, blocked);
  }
}
