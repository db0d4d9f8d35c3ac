import { setImmediate as turn } from 'node:timers/promises';
import type { DomainEvent } from '#events';
import { ChangeFold, type Projection } from '#kernel';
import type { Clock, EventLog, LackingPiece, Lease, LeaseStore, PartitionHead, PastCut, PastModel, PastStore, StoredPiece } from '#ports';
import type { Logger } from '../logging.ts';
import { lowOf } from '../low-of.ts';
import { pause } from '../pause.ts';
import type { LeftOut } from '../left-out.ts';
import type { RightOfWay } from '../right-of-way.ts';
import { readTail } from './past-tail.ts';
import { foldedBlocks, joinedBlocks } from './piece-blocks.ts';

export interface PastKeeperInit {
  readonly projections: readonly Projection<DomainEvent>[];
  /** Unique among living keepers and stable over restarts. */
  readonly owner: string;
  /** Offsets of the smallest pieces: so many events of a partition, at most, are folded to answer. */
  readonly pieceEvents?: number;
  /** So many pieces are joined into one of the next size. */
  readonly fan?: number;
  readonly leaseTtlMs?: number;
  /** Between two looks at the log, ms. */
  readonly lookMs?: number;
}

export interface PastKeeperDeps {
  readonly log: EventLog;
  readonly past: PastStore;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * How far the reader of a projection is, by `topic/partition`: nothing is folded beyond. What it cannot take it has parked by
   * then, so that its pieces are forgotten once it is taken. Without it, all that is recorded is folded.
   */
  readonly taken?: (projection: Projection<DomainEvent>) => Promise<ReadonlyMap<string, bigint>>;
  /** What a projection leaves out; without it, nothing is. */
  readonly leftOut?: (projection: string) => Promise<LeftOut>;
  /** Of others in this thread: what is not folded yet is folded by who asks for it. */
  readonly rightOfWay?: RightOfWay;
}

/** Sizes of pieces: with the defaults the largest is of 134 million offsets. */
const levels = 4;

/** Pieces with events that could not be taken, of which are looked at at once. */
const lackingAtOnce = 50;

export const pieceEventsDefault = 2_048;

/**
 * Keeps the past of read models: as a partition grows, each full part of it is folded into a piece, and each full number of
 * pieces is joined into a larger one. Parts begin at multiples of their size, so that whoever keeps them makes the same ones;
 * one keeper works on a projection at a time, so that the work is done once.
 */
export class PastKeeper {
  readonly #init: Required<PastKeeperInit>;
  readonly #deps: PastKeeperDeps;
  readonly #held = new Map<string, Lease>();
  /** Projections whose pieces that lack events were looked at since they are kept here. */
  readonly #retried = new Set<string>();
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #tidied = false;

  constructor(init: PastKeeperInit, deps: PastKeeperDeps) {
    this.#init = { pieceEvents: pieceEventsDefault, fan: 16, leaseTtlMs: 15_000, lookMs: 1_000, ...init };
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    for (const lease of this.#held.values()) await this.#deps.leases.release(lease).catch(() => undefined);
    this.#held.clear();
  }

  /** Folds what is there now; for tests and tools that do not wait. */
  async catchUp(): Promise<void> {
    for (const projection of this.#init.projections) await this.#keep(projection);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#look();
      } catch (err) {
        if (!this.#stop.signal.aborted) this.#deps.logger.warn({ err }, 'the past of read models is not kept up; trying again');
      }
      await pause(this.#init.lookMs, this.#stop.signal);
    }
  }

  async #look(): Promise<void> {
    if (!this.#tidied) {
      await this.tidy();
      this.#tidied = true;
    }
    for (const projection of this.#init.projections) {
      if (this.#stop.signal.aborted) return;
      try {
        if (await this.#holds(projection)) await this.#keep(projection);
      } catch (err) {
        // What is wrong with one keeps no other from being kept.
        if (!this.#stop.signal.aborted) this.#deps.logger.warn({ err }, `the past of ${projection.name} is not kept up; trying again`);
      }
    }
  }

  /**
   * Forgets what older versions have folded: newer ones fold it from the log. Where the log no longer has all of it, those pieces are the only
   * ones, and whoever goes back to that version needs them.
   */
  async tidy(): Promise<void> {
    const { log, past } = this.#deps;
    const identity = await log.identity();
    const whole: PastModel[] = [];
    for (const projection of this.#init.projections) {
      const heads = (await Promise.all(projection.contexts.map((topic) => log.heads(topic)))).flat();
      if (heads.every(({ low }) => low === 0n)) whole.push(modelOf(identity, projection));
    }
    await past.forgetOlder(whole);
  }

  /**
   * Folds what is left of a partition before an offset, though it fills no part: it is to be removed from the log.
   * @returns false while more is left than such a rest, or a reader has not taken it: then it must stay
   */
  async foldRest(cut: PastCut): Promise<boolean> {
    const { log, past } = this.#deps;
    const { topic, partition, before } = cut;
    const { low, high } = (await log.heads(topic)).find((head) => head.partition === partition) as PartitionHead;
    let isKept = true;
    for (const projection of this.#init.projections.filter(({ contexts }) => (contexts as readonly string[]).includes(topic))) {
      const model = modelOf(await log.identity(), projection);
      const [chain = []] = await past.chains(model, [{ topic, partition, before: high }]);
      const from = chain.at(-1)?.next ?? low;
      if (from >= before) continue;
      const isTaken = earlier(before, await this.#deps.taken?.(projection), `${topic}/${partition}`) === before;
      const isRest = from >= low && before - from <= BigInt(this.#init.pieceEvents);
      isKept = isTaken && isRest && (await this.#fold(projection, model, cut, from, before)) && isKept;
    }
    return isKept;
  }

  async #holds({ name, version }: Projection<DomainEvent>): Promise<boolean> {
    const { leases } = this.#deps;
    const { owner, leaseTtlMs } = this.#init;
    const id = `past/${name}@${version}`;
    const mine = this.#held.get(id);
    if (mine !== undefined && (await leases.renewAll([mine], leaseTtlMs))[0] === true) return true;
    this.#held.delete(id);
    this.#retried.delete(name);
    const lease = await leases.acquire(id, owner, leaseTtlMs);
    if (lease !== undefined) this.#held.set(id, lease);
    return lease !== undefined;
  }

  async #keep(projection: Projection<DomainEvent>): Promise<void> {
    const { log, past } = this.#deps;
    const model = modelOf(await log.identity(), projection);
    if (!this.#retried.has(projection.name)) await this.#retryLacking(projection, model);
    const taken = await this.#deps.taken?.(projection);
    for (const topic of projection.contexts) {
      const heads = (await log.heads(topic)).map((head) => ({ ...head, high: earlier(head.high, taken, `${topic}/${head.partition}`) }));
      const cuts = heads.map(({ partition, high }) => ({ topic, partition, before: high }));
      const chains = await past.chains(model, cuts);
      for (const [at, { low, high }] of heads.entries()) {
        const cut = cuts[at] as PastCut;
        const kept = chains[at]?.at(-1)?.next ?? 0n;
        // The reader has yet to come to what the log begins with.
        if (kept < low && low > high) continue;
        const from = kept < low ? await this.#skip(projection, model, cut, kept, low) : kept;
        await this.#grow(projection, model, cut, from, high);
        if (this.#stop.signal.aborted) return;
      }
    }
  }

  /**
   * Pieces from when the projection could not take an event, which it can by now, are folded anew from it on: its code was mended, and rows
   * may have had it all the time, or have it again since a rebuild without it was rolled back. What the log no longer has stays as it is.
   */
  async #retryLacking(projection: Projection<DomainEvent>, model: PastModel): Promise<void> {
    const { log, past, logger, rightOfWay } = this.#deps;
    for (let after = ''; ;) {
      const pieces = await past.lacking(model, after, lackingAtOnce);
      for (const piece of pieces) {
        if (this.#stop.signal.aborted) return;
        const begun = performance.now();
        const before = await this.#takenSince(projection, piece);
        if (before !== undefined) {
          const { topic, partition } = piece;
          await past.forgetFrom(projection.name, { topic, partition, before }, await lowOf(log, piece));
          logger.info({ projection: projection.name, topic, partition, offset: `${before}` }, 'folding the past anew from an event on that can be taken now');
        }
        await rightOfWay?.give(performance.now() - begun, this.#stop.signal);
        after = piece.id;
      }
      if (pieces.length < lackingAtOnce) break;
    }
    this.#retried.add(projection.name);
  }

  /** The first event that a piece lacks and that can be taken now; undefined where there is none, or the piece cannot be folded again. */
  async #takenSince(projection: Projection<DomainEvent>, { topic, partition, first, lacks }: LackingPiece): Promise<bigint | undefined> {
    const { log } = this.#deps;
    if (first < (await lowOf(log, { topic, partition }))) return undefined;
    const to = (lacks.at(-1) as bigint) + 1n;
    const still = new Set((await readTail(log, projection, { topic, partition, from: lacks[0] as bigint, to })).lacks);
    return lacks.find((offset) => !still.has(offset));
  }

  /** What was removed from the log before it was folded the past lacks for good: an empty piece stands for it, which what comes behind it joins. */
  async #skip(projection: Projection<DomainEvent>, model: PastModel, { topic, partition }: PastCut, first: bigint, next: bigint): Promise<bigint> {
    const piece = { topic, partition, first, next, lastRecordedAtMs: this.#deps.clock.now(), lacks: [], gone: true } as const;
    const added = await this.#deps.past.add(model, piece, foldedBlocks(projection, []));
    if (added)
      this.#deps.logger.warn(
        { projection: projection.name, topic, partition, first: `${first}`, next: `${next}` },
        `the past of ${projection.name} lacks what was removed from ${topic}/${partition}, from ${first} up to ${next}: it was not folded by then`,
      );
    return next;
  }

  /** Folds each part that is full by now; joins are made up for first, should the last keeper have ended before one. */
  async #grow(projection: Projection<DomainEvent>, model: PastModel, cut: PastCut, from: bigint, high: bigint): Promise<void> {
    const size = BigInt(this.#init.pieceEvents);
    let next = from;
    let renewedAt = performance.now();
    await this.#join(projection, model, cut, next);
    while (!this.#stop.signal.aborted && (next / size + 1n) * size <= high) {
      const [begun, to] = [performance.now(), (next / size + 1n) * size];
      if (!(await this.#fold(projection, model, cut, next, to))) return;
      next = to;
      await this.#join(projection, model, cut, next);
      await turn();
      await this.#deps.rightOfWay?.give(performance.now() - begun, this.#stop.signal);
      if (performance.now() - renewedAt < this.#init.leaseTtlMs / 3) continue;
      renewedAt = performance.now();
      if (this.#held.size > 0 && !(await this.#holds(projection))) return;
    }
  }

  async #fold(projection: Projection<DomainEvent>, model: PastModel, { topic, partition }: PastCut, first: bigint, next: bigint): Promise<boolean> {
    const leftOut = await this.#deps.leftOut?.(projection.name);
    const part = { topic, partition, from: first, to: next, ...(leftOut === undefined ? {} : { leftOut }) };
    const { changes, lacks, lastRecordedAtMs } = await readTail(this.#deps.log, projection, part);
    const fold = new ChangeFold(projection.tables);
    for (const change of changes) fold.add(change);
    return this.#deps.past.add(model, { topic, partition, first, next, lastRecordedAtMs, lacks }, foldedBlocks(projection, fold.changes()));
  }

  /** Joins the pieces that end here into one of the next size, and so on, where a part of that size has become full. */
  async #join(projection: Projection<DomainEvent>, model: PastModel, { topic, partition }: PastCut, next: bigint): Promise<void> {
    let size = BigInt(this.#init.pieceEvents);
    for (let level = 1; level <= levels; level++) {
      size *= BigInt(this.#init.fan);
      const end = (next / size) * size;
      if (end === 0n) return;
      const [chain = []] = await this.#deps.past.chains(model, [{ topic, partition, before: end }]);
      // What is gone is joined to nothing: it must be seen.
      const known = chain.slice(chain.findLastIndex(({ gone }) => gone === true) + 1);
      const parts = known.filter(({ first }) => first >= end - size);
      if (chain.at(-1)?.next !== end || parts.length < 2) continue;
      const piece = { topic, partition, first: (parts[0] as StoredPiece).first, next: end, lastRecordedAtMs: lastTime(parts), lacks: [] };
      const ids = parts.map(({ id }) => id);
      await this.#deps.past.add(model, piece, joinedBlocks(projection, this.#deps.past, ids));
    }
  }
}

function earlier(high: bigint, taken: ReadonlyMap<string, bigint> | undefined, place: string): bigint {
  const position = taken === undefined ? high : (taken.get(place) ?? 0n);
  return position < high ? position : high;
}

function lastTime(pieces: readonly StoredPiece[]): number | null {
  return pieces.findLast(({ lastRecordedAtMs }) => lastRecordedAtMs !== null)?.lastRecordedAtMs ?? null;
}

function modelOf(log: string, { name, version }: Projection<DomainEvent>): PastModel {
  return { log, projection: name, version };
}
