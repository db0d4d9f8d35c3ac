import { MemoryEventLog, MemoryLeaseStore, MemoryProjectionStore, MemoryReadStore, ManualClock } from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import { edgeScaleTable, scaleRules } from '#domain/edge';
import { decodeEvent, edgeScaleAdvised, type EventOf } from '#events';
import { OperatingError, type TableSpec } from '#kernel';
import { LeaseStore, type Lease, type LeaseView, type ReadQuery, type ReadRow } from '#ports';
import { createLogger, FactPublisher, noTelemetry, type Logger } from '#runtime';
import { describe, expect, test } from '@jest/globals';
import { ScaleAdvisor } from './scale-advisor.ts';

/** What edges of one region say, and what was advised, as the projections would have written it. */
class Fleet extends MemoryReadStore {
  readonly #clock: ManualClock;
  edges = 2;
  load = 0.6;
  advised: ReadRow[] = [];

  constructor(clock: ManualClock) {
    super(new MemoryProjectionStore(clock));
    this.#clock = clock;
  }

  override async select(table: TableSpec, _query: ReadQuery): Promise<readonly ReadRow[]> {
    const edges = Array.from({ length: this.edges }, (_none, at) => `edge-${at}`);
    if (table.name === edgeScaleTable.name) return this.advised;
    if (table.name === 'edge')
      return edges.map((edge_id) => ({ edge_id, origin: '', region: 'eu', url: `http://${edge_id}`, node: edge_id, connections_max: 100n }));
    if (table.name === 'edge_counters')
      return edges.map((edge_id) => ({
        ...{ edge_id, origin: '', incarnation: 1n, reported_at_ms: this.#clock.now(), draining: false },
        ...{ connections: Math.round(100 * this.load), bits_per_second: 0, cpu: null, active_requests: 0, disk_bytes: 0, behind_ms: 0 },
      }));
    return [];
  }
}

/** Leases that one process may be cut off from. */
class ReachedLeases extends LeaseStore {
  readonly #inner: MemoryLeaseStore;
  isCut = false;
  asked = 0;

  constructor(inner: MemoryLeaseStore) {
    super();
    this.#inner = inner;
  }

  #reach(): MemoryLeaseStore {
    this.asked++;
    if (this.isCut) throw new OperatingError('The store is away.', { code: 'STORE_AWAY', retryable: true });
    return this.#inner;
  }

  override async acquire(name: string, owner: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#reach().acquire(name, owner, ttlMs);
  }
  override async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.#reach().renew(lease, ttlMs);
  }
  override async renewAll(leases: readonly Lease[], ttlMs: number): Promise<readonly boolean[]> {
    return this.#reach().renewAll(leases, ttlMs);
  }
  override async release(lease: Lease): Promise<void> {
    return this.#reach().release(lease);
  }
  override async forget(lease: Lease): Promise<void> {
    return this.#reach().forget(lease);
  }
  override async list(prefix: string): Promise<readonly LeaseView[]> {
    return this.#reach().list(prefix);
  }
}

type Advice = EventOf<typeof edgeScaleAdvised>;

class World {
  readonly clock = new ManualClock();
  readonly log = new MemoryEventLog(this.clock);
  readonly fleet = new Fleet(this.clock);
  readonly #leases = new MemoryLeaseStore(this.clock);
  readonly #advisors: { readonly advisor: ScaleAdvisor; readonly leases: ReachedLeases }[] = [];

  readonly #logger: Logger;

  private constructor(logger: Logger) {
    this.#logger = logger;
  }

  static async begin(): Promise<World> {
    return new World(await createLogger({ name: 'projector', node: 'projector-1', logFormat: 'json', logLevel: 'silent' }));
  }

  start(owner: string): ReachedLeases {
    const leases = new ReachedLeases(this.#leases);
    const facts = new FactPublisher({ log: this.log, clock: this.clock, ids: new UuidV7IdSource(), source: `/projector/${owner}`, actor: `system:${owner}` });
    const deps = { reads: this.fleet, leases, facts, log: this.log, clock: this.clock, logger: this.#logger, telemetry: noTelemetry() };
    const advisor = new ScaleAdvisor({ owner, rules: scaleRules, keysRequired: false, lookMs: 1 }, deps);
    advisor.start();
    this.#advisors.push({ advisor, leases });
    return leases;
  }

  async stop(): Promise<void> {
    for (const { advisor } of this.#advisors.splice(0)) await advisor.stop();
  }

  /** Time goes on in steps that no lease outlives, and everybody looks in each; what was advised is projected. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5000) {
      this.clock.advance(5000);
      const before = this.#advisors.map(({ leases }) => leases.asked);
      while (this.#advisors.some(({ leases }, at) => leases.asked < (before[at] as number) + 3)) await new Promise((resolve) => setTimeout(resolve, 1));
      const last = (await this.advice()).at(-1);
      if (last !== undefined) this.fleet.advised = [{ region: 'eu', origin: '', desired: BigInt(last.data.desired), at_ms: BigInt(last.time) }];
    }
  }

  async advice(): Promise<readonly Advice[]> {
    const events: Advice[] = [];
    for (const { partition, low } of await this.log.heads('zone')) {
      const { records } = await this.log.read('zone', partition, low, { recordsMax: 100, bytesMax: 1e6, waitMs: 0 });
      events.push(...records.map(decodeEvent).filter((event): event is Advice => event.type === edgeScaleAdvised.type));
    }
    return events;
  }
}

const told = (advice: readonly Advice[]): readonly (readonly [string, number])[] => advice.map(({ actor, data }) => [actor, data.desired]);

describe('who advises how many edges there should be', () => {
  test('is one at once; another takes over when that one is gone, and goes on from what was advised', async () => {
    const world = await World.begin();
    const first = world.start('a');
    await world.pass(5000);
    world.start('b');
    world.fleet.load = 0.9;
    await world.pass(60_000);
    expect(told(await world.advice())).toEqual([['system:a', 3]]);

    // The first is cut off: its lease ends, and the second takes it. What was advised stands, and is not told again.
    first.isCut = true;
    await world.pass(120_000);
    expect(told(await world.advice())).toEqual([['system:a', 3]]);
    world.fleet.load = 1.2;
    await world.pass(60_000);
    expect(told(await world.advice())).toEqual([['system:a', 3], ['system:b', 4]]); // prettier-ignore

    // It comes back, and has nothing to say while the second holds the lease.
    first.isCut = false;
    world.fleet.load = 1.5;
    await world.pass(120_000);
    const advice = await world.advice();
    expect(told(advice)).toEqual([['system:a', 3], ['system:b', 4], ['system:b', 5]]); // prettier-ignore
    const epochs = advice.map(({ producerEpoch }) => producerEpoch);
    expect([epochs[1] === epochs[2], (epochs[1] as bigint) > (epochs[0] as bigint)]).toEqual([true, true]);
    await world.stop();
  });

  test('who ends gives the lease back, so that the next need not wait for it', async () => {
    const world = await World.begin();
    world.fleet.load = 0.9;
    world.start('a');
    await world.pass(5000);
    await world.stop();
    world.start('b');
    // Less than the lease would have lasted and the window together.
    await world.pass(40_000);
    expect(told(await world.advice())).toEqual([['system:b', 3]]);
    await world.stop();
  });
});
