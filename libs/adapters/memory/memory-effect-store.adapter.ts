import { definitionOf, encodeEvent } from '#events';
import {
  EffectStore,
  effectStoreErrors,
  type Clock,
  type Effect,
  type EffectAttempt,
  type EffectBacklog,
  type EffectQuery,
  type EffectSettlement,
  type EnlistedEffect,
  type Enlistment,
  type ReactorCommit,
  type ReactorIdentity,
  type ReactorPartition,
  type ReactorPosition,
  type ReactorStart,
} from '#ports';
import type { MemoryOutbox } from './memory-outbox.adapter.ts';

interface Place extends ReactorPosition {
  readonly epoch: bigint;
}

interface Row extends Effect {
  readonly claimedBy: string | undefined;
  readonly claimedUntil: number;
  readonly queuedAt: number | undefined;
  readonly tries: readonly EffectAttempt[];
}

export interface MemoryEffectStoreDeps {
  readonly clock: Clock;
  /** Where the events of outcomes go. */
  readonly outbox: MemoryOutbox;
}

/** Effects that live as long as their object. */
export class MemoryEffectStore extends EffectStore {
  readonly #clock: Clock;
  readonly #outbox: MemoryOutbox;
  readonly #places = new Map<string, Place>();
  readonly #rows = new Map<string, Row>();

  constructor({ clock, outbox }: MemoryEffectStoreDeps) {
    super();
    this.#clock = clock;
    this.#outbox = outbox;
  }

  override async begin({ name, version }: ReactorIdentity, starts: readonly ReactorStart[]): Promise<void> {
    for (const { topic, partition, position } of starts) {
      const id = `${name}/${topic}/${partition}`;
      if (this.#places.has(id)) continue;
      this.#places.set(id, { reactor: name, version, topic, partition, position, epoch: 0n, reset: 0, movedAtMs: this.#clock.now() });
    }
  }

  override async claim({ name, version }: ReactorIdentity, { topic, partition }: ReactorPartition, epoch: bigint): Promise<bigint> {
    const id = `${name}/${topic}/${partition}`;
    const place = this.#places.get(id);
    if (place === undefined) throw effectStoreErrors.unknown(name, topic, partition);
    if (place.version > version) throw effectStoreErrors.superseded(name, version, place.version);
    if (place.version === version && place.epoch > epoch) throw effectStoreErrors.fenced();
    this.#places.set(id, { ...place, version, epoch });
    return place.position;
  }

  override async commit({ reactor, at, from, to, epoch, effects, repeats }: ReactorCommit): Promise<void> {
    const id = `${reactor.name}/${at.topic}/${at.partition}`;
    const place = this.#places.get(id);
    if (place === undefined || place.version !== reactor.version || place.epoch !== epoch || place.position !== from) throw effectStoreErrors.fenced();
    const now = this.#clock.now();
    this.#places.set(id, { ...place, position: to, movedAtMs: now });
    for (const effect of effects) {
      if (this.#rows.has(effect.key)) continue;
      const fresh = {
        state: 'pending',
        attempts: 0,
        starts: 0,
        round: 0,
        claim: 0n,
        lastError: null,
        nextTryAtMs: now,
        createdAtMs: now,
        endedAtMs: null,
      } as const;
      const free = { claimedBy: undefined, claimedUntil: 0, queuedAt: undefined, tries: [] };
      this.#rows.set(effect.key, { ...structuredClone(effect), reactor: reactor.name, topic: at.topic, partition: at.partition, ...fresh, ...free });
    }
    for (const key of repeats) this.#repeat(key, now);
  }

  #repeat(key: string, now: number): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    const again =
      row.state === 'pending' ? {} : ({ state: 'pending', attempts: 0, starts: 0, round: row.round + 1, queuedAt: undefined, endedAtMs: null } as const);
    this.#rows.set(key, { ...row, ...again, nextTryAtMs: now });
  }

  override async reset(reactor: string, number: number, positions: readonly ReactorStart[]): Promise<void> {
    for (const { topic, partition, position } of positions) {
      const id = `${reactor}/${topic}/${partition}`;
      const place = this.#places.get(id);
      if (place !== undefined && place.reset < number) this.#places.set(id, { ...place, position, reset: number, movedAtMs: this.#clock.now() });
    }
  }

  override async positions(reactor?: string): Promise<readonly ReactorPosition[]> {
    const places = [...this.#places.values()].filter((place) => reactor === undefined || place.reactor === reactor);
    return places.map(({ epoch: _, ...place }) => place);
  }

  override async enlist({ laneMax, tenantMax, max, lostAfterMs }: Enlistment): Promise<readonly EnlistedEffect[]> {
    const now = this.#clock.now();
    const pending = [...this.#rows.values()].filter(({ state }) => state === 'pending');
    const isQueued = ({ queuedAt }: Row): boolean => queuedAt !== undefined && queuedAt > now - lostAfterMs;
    const taken = new Map<string, number>();
    const laneOf = ({ kind, lane }: Row): string => JSON.stringify([kind, lane]);
    const tenantOf = ({ kind, tenant }: Row): string => JSON.stringify([kind, null, tenant]);
    const count = (of: string): number => taken.get(of) ?? 0;
    const take = (row: Row): void => [laneOf(row), tenantOf(row)].forEach((of) => void taken.set(of, count(of) + 1));
    pending.filter(isQueued).forEach(take);
    const chosen: EnlistedEffect[] = [];
    for (const row of pending.filter((one) => !isQueued(one) && one.nextTryAtMs <= now).sort((a, b) => a.nextTryAtMs - b.nextTryAtMs)) {
      if (chosen.length >= max || count(laneOf(row)) >= laneMax || count(tenantOf(row)) >= tenantMax) continue;
      take(row);
      this.#rows.set(row.key, { ...row, queuedAt: now });
      chosen.push({ key: row.key, kind: row.kind });
    }
    return chosen;
  }

  override async delist(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const row = this.#rows.get(key);
      if (row !== undefined) this.#rows.set(key, { ...row, queuedAt: undefined });
    }
  }

  override async take(key: string, owner: string, ttlMs: number): Promise<Effect | undefined> {
    const now = this.#clock.now();
    const row = this.#rows.get(key);
    if (row === undefined || row.state !== 'pending' || row.nextTryAtMs > now) return undefined;
    if (row.claimedBy !== undefined && row.claimedBy !== owner && row.claimedUntil > now) return undefined;
    const taken = { ...row, claim: row.claim + 1n, starts: row.starts + 1, claimedBy: owner, claimedUntil: now + ttlMs };
    this.#rows.set(key, taken);
    return effectOf(taken);
  }

  override async hold(key: string, claim: bigint, ttlMs: number): Promise<boolean> {
    const row = this.#rows.get(key);
    if (row === undefined || row.state !== 'pending' || row.claim !== claim || row.claimedBy === undefined) return false;
    this.#rows.set(key, { ...row, claimedUntil: this.#clock.now() + ttlMs });
    return true;
  }

  override async settle({ key, claim, outcome, afterMs = 0, attempt, error, events }: EffectSettlement): Promise<void> {
    const row = this.#rows.get(key);
    if (row === undefined || row.state !== 'pending' || row.claim !== claim || row.claimedBy === undefined) throw effectStoreErrors.taken(key);
    const now = this.#clock.now();
    const isOver = outcome !== 'again';
    this.#rows.set(key, {
      ...row,
      state: isOver ? outcome : 'pending',
      attempts: row.attempts + (attempt === undefined ? 0 : 1),
      starts: 0,
      lastError: error ?? (isOver ? null : row.lastError),
      nextTryAtMs: now + afterMs,
      endedAtMs: isOver ? now : null,
      ...{ queuedAt: undefined, claimedBy: undefined, claimedUntil: 0 },
      tries: attempt === undefined ? row.tries : [...row.tries, attempt],
    });
    for (const event of events) this.#outbox.add(definitionOf(event.type)?.context ?? '', [encodeEvent(event)]);
  }

  override async show(key: string): Promise<Effect | undefined> {
    const row = this.#rows.get(key);
    return row === undefined ? undefined : effectOf(row);
  }

  override async list({ kind, lane, tenant, states, limit, before }: EffectQuery): Promise<readonly Effect[]> {
    const isBefore = (row: Row): boolean =>
      before === undefined || row.createdAtMs < before.createdAtMs || (row.createdAtMs === before.createdAtMs && row.key < before.key);
    return [...this.#rows.values()]
      .filter((row) => (kind ?? row.kind) === row.kind && (lane ?? row.lane) === row.lane && (tenant ?? row.tenant) === row.tenant)
      .filter((row) => (states === undefined || states.includes(row.state)) && isBefore(row))
      .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.key < b.key ? 1 : -1))
      .slice(0, limit)
      .map(effectOf);
  }

  override async attempts(key: string): Promise<readonly EffectAttempt[]> {
    return this.#rows.get(key)?.tries.slice(-100) ?? [];
  }

  override async succeededSince(kind: string, lane: string, sinceMs: number): Promise<boolean> {
    return [...this.#rows.values()].some((row) => row.kind === kind && row.lane === lane && row.state === 'succeeded' && (row.endedAtMs ?? 0) >= sinceMs);
  }

  override async backlog(): Promise<readonly EffectBacklog[]> {
    const kinds = new Map<string, EffectBacklog>();
    for (const { kind, createdAtMs, state } of this.#rows.values()) {
      if (state !== 'pending') continue;
      const known = kinds.get(kind) ?? { kind, pending: 0, oldestMs: createdAtMs };
      kinds.set(kind, { kind, pending: known.pending + 1, oldestMs: Math.min(known.oldestMs, createdAtMs) });
    }
    return [...kinds.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1));
  }

  override async forget(olderThanMs: number, max: number): Promise<number> {
    const over = [...this.#rows.values()].filter(({ endedAtMs }) => endedAtMs !== null && endedAtMs < this.#clock.now() - olderThanMs).slice(0, max);
    for (const { key } of over) this.#rows.delete(key);
    return over.length;
  }
}

function effectOf({ claimedBy: _by, claimedUntil: _until, queuedAt: _at, tries: _tries, ...effect }: Row): Effect {
  return { ...effect, payload: structuredClone(effect.payload) };
}
