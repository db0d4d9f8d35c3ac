import type { Checksum } from '#core/edge-store';
import { matchesVariant, variantOf, type Fields, type PurgeLabel, type PurgePositions, type StoredResponse } from '#core/http-cache';
import { createHash, randomUUID } from 'node:crypto';
import type { Varying } from '../store/disk-tier.ts';
import { decodeShared, encodeShared, objectHeadOf, responseOfHead, sharedVersion, type SharedRecord, type VariantsHead } from './shared-record.codec.ts';
import type { SharedStore, SharedWrite } from './shared-store.ts';
import { isFull, isOfOneName, type TierGuard, type TierState } from './tier-guard.ts';

export interface SharedTierInit {
  readonly waitMs: number;
  readonly objectBytesMax: number;
}

export interface SharedTierDeps {
  readonly store: Pick<SharedStore, 'read' | 'write' | 'remove' | 'reconnect'>;
  readonly guard: TierGuard;
  readonly purges: Pick<PurgePositions, 'holds'>;
  /** How far this edge has read the purges; undefined while it does not know what was purged lately. */
  readonly known: () => KnownPurges | undefined;
  /** The id of the zone that a key is of. */
  readonly zoneOf: (key: string) => string;
  readonly checksum: Checksum;
  readonly now: () => number;
}

export interface KnownPurges {
  /** Edges of one log share; those of another find nothing of theirs. */
  readonly log: string;
  readonly positions: readonly bigint[];
}

/** What a fill knew when it began: with that its object is judged, wherever it is read. */
export interface SharedTicket {
  readonly log: string;
  readonly key: string;
  /** The key by which it is purged: that of the whole, where it is a part of one. */
  readonly of: string;
  positions: readonly bigint[];
  /** By which request fields the key was found to vary. */
  variants: VariantsHead | undefined;
}

export interface SharedAsk {
  readonly ticket: SharedTicket;
  readonly request: Varying;
  /** By what a response with these fields can be purged. */
  readonly labelsOf: (fields: Fields) => readonly PurgeLabel[];
}

export interface SharedFound {
  readonly response: StoredResponse;
  readonly body: Uint8Array;
}

export interface SharedStatus {
  readonly state: TierState;
  readonly reason: string | undefined;
  readonly hits: number;
  readonly misses: number;
  /** Requests that waited in vain. */
  readonly late: number;
  readonly written: number;
  /** Objects that were not written because it was away, full or behind. */
  readonly dropped: number;
  /** Values that were not what they should be. */
  readonly faults: number;
}

/** Not worth a write, and kept no longer however long it is fresh: edges that start learn what was purged no further back, ms. */
const lifetimeMinMs = 1000;
export const sharedLifetimeMaxMs = 24 * 3_600_000;
const readsMax = 256;
const writesMax = 64;
const writingBytesMax = 32 * 1024 * 1024;
const forgottenMax = 10_000;
/** After so much silence the connection is given up, ms. */
const silenceMaxMs = 5000;

/**
 * What edges of one log keep for each other in a Redis or Valkey, between their disks and the origin. Nothing here throws, and
 * nothing waits for longer than the time that a request may lose. It is no truth: what it has is judged by what this edge
 * knows of the purges, and what it cannot vouch for is asked of the origin.
 */
export class SharedTier {
  readonly #init: SharedTierInit;
  readonly #deps: SharedTierDeps;
  /** Keys that requests through this edge have changed at the origin: what lies there may be older. */
  readonly #forgotten = new Set<string>();
  /** Zones that came, or changed, while this edge served: what was kept by others before it had read so far it does not judge. */
  readonly #changed = new Map<string, readonly bigint[] | 'now'>();
  readonly #counts = { hits: 0, misses: 0, late: 0, written: 0, dropped: 0, faults: 0 };
  #reading = 0;
  #writing = 0;
  #writingBytes = 0;
  /** The server's clock, as late as it was surely, at a time of our own. */
  #clock: { readonly serverMs: number; readonly atMs: number } | undefined;
  #answeredAtMs = performance.now();

  constructor(init: SharedTierInit, deps: SharedTierDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  status(): SharedStatus {
    const { guard } = this.#deps;
    return { state: guard.state, reason: guard.reason, ...this.#counts };
  }

  /** To be taken before the origin is asked. Undefined while the tier is of no use: nobody knows what was purged. */
  open(key: string, of = key): SharedTicket | undefined {
    const known = this.#deps.known();
    const id = this.#deps.zoneOf(of);
    if (known !== undefined && this.#changed.get(id) === 'now') this.#changed.set(id, [...known.positions]);
    return known === undefined ? undefined : { key, of, log: known.log, positions: [...known.positions], variants: undefined };
  }

  /**
   * A zone is here, or another version of it. Under which key and host a purge was meant is the zone's to say: one that was read
   * before this edge knew it so may have named nothing.
   */
  zoneChanged(id: string): void {
    this.#changed.set(id, 'now');
  }

  /** A fresh response that fits and that nothing has purged; undefined also when that cannot be said in time. */
  async find(ask: SharedAsk): Promise<SharedFound | undefined> {
    if (this.#forgotten.has(ask.ticket.of) || this.#reading >= readsMax || !this.#deps.guard.admits()) return undefined;
    this.#reading++;
    try {
      const found = await within(this.#look(ask), this.#init.waitMs);
      // The origin is asked only now: what is known by now it has been asked after.
      ask.ticket.positions = [...(this.#deps.known()?.positions ?? ask.ticket.positions)];
      if (found === late) this.#tooLate();
      else {
        this.#deps.guard.answered();
        this.#counts[found === undefined ? 'misses' : 'hits']++;
      }
      return found === late ? undefined : found;
    } catch (error) {
      this.#failed(error);
      return undefined;
    } finally {
      this.#reading--;
    }
  }

  /** Whether a body of so many bytes may be kept there. */
  takes(bytes: number): boolean {
    return bytes <= this.#init.objectBytesMax;
  }

  /** Keeps an object for the others, in the background. */
  put(ticket: SharedTicket, response: StoredResponse, body: Uint8Array): void {
    const freshMs = response.freshness.freshUntilMs - this.#deps.now();
    if (!this.takes(body.length) || freshMs < lifetimeMinMs) return;
    // Newer than the change: from here on the others' objects count again.
    this.#forgotten.delete(ticket.key);
    const writes = this.#writesOf(ticket, response, body, freshMs);
    const bytes = writes?.reduce((sum, write) => sum + write.bytes.length, 0) ?? 0;
    if (writes === undefined || !this.#deps.guard.takes() || this.#writing >= writesMax || this.#writingBytes + bytes > writingBytesMax) {
      this.#counts.dropped++;
      return;
    }
    void this.#write(writes, bytes);
  }

  /** Keys that were changed at the origin by a request through this edge (RFC 9111 section 4.4). */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.#forgotten.delete(key);
      this.#forgotten.add(key);
    }
    for (const key of this.#forgotten) {
      if (this.#forgotten.size <= forgottenMax) break;
      this.#forgotten.delete(key);
    }
    const { guard, known, store } = this.#deps;
    const log = known()?.log;
    if (keys.length === 0 || log === undefined || guard.state === 'away') return;
    void store.remove(keys.map((key) => nameOf(log, key))).catch(() => undefined);
  }

  async #look({ labelsOf, request, ticket }: SharedAsk): Promise<SharedFound | undefined> {
    const { key, log, of } = ticket;
    let reading = await this.#read(nameOf(log, key));
    if (reading?.record.head.kind === 'variants' && reading.record.head.key === key) {
      ticket.variants = reading.record.head;
      const { values } = variantOf(ticket.variants.names, request);
      reading = await this.#read(variantName(log, ticket.variants, values));
    }
    if (reading === undefined) return undefined;
    const { body, head } = reading.record;
    if (head.kind !== 'object' || head.key !== key) return undefined;
    const response = responseOfHead(head, reading.askedAtMs - Math.max(0, reading.serverMs - head.writtenAtMs));
    if (!matchesVariant(response.variant, request) || this.#deps.now() >= response.freshness.freshUntilMs) return undefined;
    const subject = { key: of, labels: labelsOf(response.fields) };
    const positions = head.positions.map(BigInt);
    return this.#judges(of, positions) && this.#deps.purges.holds(subject, positions) ? { response, body } : undefined;
  }

  #judges(key: string, positions: readonly bigint[]): boolean {
    const since = this.#changed.get(this.#deps.zoneOf(key));
    return since === undefined || (since !== 'now' && positions.every((position, partition) => position >= (since[partition] ?? position + 1n)));
  }

  async #read(name: string): Promise<{ readonly record: SharedRecord; readonly askedAtMs: number; readonly serverMs: number } | undefined> {
    const askedAtMs = this.#deps.now();
    try {
      const { bytes, serverMs } = await this.#deps.store.read(name);
      this.#answeredAtMs = performance.now();
      this.#clock = { serverMs, atMs: this.#answeredAtMs };
      if (bytes === undefined) return undefined;
      const record = decodeShared(bytes, this.#deps.checksum);
      if (record === undefined) this.#counts.faults++;
      return record === undefined ? undefined : { record, askedAtMs, serverMs };
    } catch (error) {
      if (!isOfOneName(error)) throw error;
      this.#counts.faults++;
      return undefined;
    }
  }

  #writesOf(ticket: SharedTicket, response: StoredResponse, body: Uint8Array, freshMs: number): readonly SharedWrite[] | undefined {
    if (this.#clock === undefined) return undefined;
    const { checksum, now } = this.#deps;
    const { key, log, positions } = ticket;
    const { names, values } = response.variant;
    const serverMs = this.#clock.serverMs + (performance.now() - this.#clock.atMs);
    const untilMs = serverMs + Math.min(freshMs, sharedLifetimeMaxMs);
    const bytes = encodeShared(objectHeadOf({ key, positions, response }, now(), serverMs), body, checksum);
    if (names.length === 0) return [{ name: nameOf(log, key), bytes, untilMs }];
    const same = ticket.variants !== undefined && JSON.stringify(ticket.variants.names) === JSON.stringify(names);
    const variants: VariantsHead = same
      ? (ticket.variants as VariantsHead)
      : { version: sharedVersion, kind: 'variants', key, names: [...names], set: randomUUID() };
    return [
      { name: variantName(log, variants, values), bytes, untilMs },
      { name: nameOf(log, key), bytes: encodeShared(variants, undefined, checksum), untilMs: serverMs + sharedLifetimeMaxMs },
    ];
  }

  async #write(writes: readonly SharedWrite[], bytes: number): Promise<void> {
    const { guard, store } = this.#deps;
    this.#writing++;
    this.#writingBytes += bytes;
    try {
      await store.write(writes);
      this.#answeredAtMs = performance.now();
      this.#counts.written++;
      guard.took();
    } catch (error) {
      this.#counts.dropped++;
      if (isFull(error)) guard.full(error.message);
      else this.#failed(error);
    } finally {
      this.#writing--;
      this.#writingBytes -= bytes;
    }
  }

  #tooLate(): void {
    const { guard, store } = this.#deps;
    this.#counts.late++;
    guard.late(this.#init.waitMs);
    if (guard.state !== 'away' || performance.now() - this.#answeredAtMs < silenceMaxMs) return;
    this.#answeredAtMs = performance.now();
    store.reconnect();
  }

  #failed(error: unknown): void {
    this.#deps.guard.failed(error);
  }
}

const digest = (what: string): string => createHash('sha256').update(what).digest('base64url');

/** Of one length, whatever the key; a record says which key it is about. */
function nameOf(log: string, what: string): string {
  return `streams:edge:${sharedVersion}:${digest(log).slice(0, 16)}:${digest(what)}`;
}

function variantName(log: string, { key, names, set }: VariantsHead, values: readonly (string | undefined)[]): string {
  return nameOf(log, JSON.stringify([key, set, names, values.map((value) => value ?? null)]));
}

const late = Symbol('late');

/** What was promised, if it comes in time. An answer that is here already but not read yet is in time. */
async function within<Value>(promise: Promise<Value>, waitMs: number): Promise<Value | typeof late> {
  const { promise: over, resolve } = Promise.withResolvers<typeof late>();
  const timer = setTimeout(() => setImmediate(() => resolve(late)), waitMs);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => undefined);
  }
}
