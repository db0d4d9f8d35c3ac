import { temporaryPostgres } from '#adapters/embedded-postgres';
import {
  Database,
  PostgresAggregateStore,
  PostgresLeaseStore,
  PostgresOutbox,
  PostgresParkedEvents,
  PostgresPastStore,
  PostgresProjectionBuilds,
} from '#adapters/postgres';
import { PostgresProjectionStore, PostgresPublicationStore, PostgresReadStore } from '#adapters/postgres';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { parkedAggregate, parkedEventsProjection, parkedEventTable, parkedIdOf, replayAggregate, type KnownReplay, type ParkedVerb } from '#domain/operation';
import { contexts, edgeRegistered, edgeReported, encodeEvent, topicPartitions, type DomainEvent, type LogRecord } from '#events';
import { partitionOf, type Projection, type TableSpec } from '#kernel';
import { runMigrations } from '#migrations';
import type { EventLog, ReadRow } from '#ports';
import { Mortal } from './mortal.fixture.ts';
import { CommandExecutor, ConsumerHost, EventParking, LogEventIntake, OutboxRelay, pause, type LeftOut, type PoisonLimits } from '#runtime';
import { pino } from 'pino';
import { ReplayHost } from '../replay/replay-host.ts';
import { DiscardReader } from './discarded.ts';
import { ParkedDesk } from './parked-desk.ts';

export const table: TableSpec = {
  name: 'told',
  key: { edge_id: 'text' },
  columns: { requests: { type: 'bigint', join: 'max' }, taken: { type: 'json', join: 'counter' } },
};

/** An event of so many hits is thrown at, while the world is broken; of one of so many, PostgreSQL refuses the row. */
export const [thrown, refused] = [666, 777];

/** What is wrong with the projection; mended by a test as by a deployment. */
export class Breakage {
  throws = true;
  refuses = true;
  /** What was taken, or tried, each once, in order. */
  readonly seen = new Set<number>();

  readonly projection: Projection<DomainEvent> = {
    name: 'told',
    version: 1,
    contexts: ['edge'],
    handles: [edgeReported.type],
    ignores: [edgeRegistered.type],
    tables: [table],
    project: (event) => {
      if (event.type !== edgeReported.type) return [];
      const { edgeId, requests, hits } = event.data;
      if (hits === thrown && this.throws) throw new RangeError(`cannot count to ${hits}`);
      this.seen.add(requests);
      // No bigint of PostgreSQL's (SQLSTATE 22003).
      const most = hits === refused && this.refuses ? 10n ** 30n : BigInt(requests);
      const set = { requests: most, taken: { [String(requests).padStart(4, '0')]: 1 } };
      return [{ table: 'told', key: { edge_id: edgeId }, set }];
    },
  };
}

const logger = pino({ level: 'silent' });
let ids = 0;

export function report(edgeId: string, requests: number, hits = 1, tenant = 'default'): LogRecord {
  const data = { ...(edgeReported.samples.at(-1) as Parameters<typeof edgeReported.draft>[0]), edgeId, requests, hits };
  const envelope = { source: '/t', time: 1, tenant, correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:t', producerEpoch: 1n };
  return encodeEvent({ ...envelope, id: `id-${++ids}`, type: edgeReported.type, version: 1, subject: edgeId, key: edgeId, streamVersion: 1n, data });
}

/** A log, a PostgreSQL, and everything of a projector that has to do with parked events. */
export class ParkedWorld {
  readonly breakage = new Breakage();
  readonly log: EventLog;
  readonly parked: PostgresParkedEvents;
  readonly reads: PostgresReadStore;
  readonly commands: CommandExecutor;
  readonly #database: Database;
  readonly #stopServer: () => Promise<void>;
  readonly #intake: LogEventIntake;
  readonly #relay: OutboxRelay;
  readonly #desk: ParkedDesk;
  readonly #replays: ReplayHost;
  readonly #aggregates: PostgresAggregateStore;
  #hosts = 0;
  #host: ConsumerHost | undefined;
  #mortal: Mortal | undefined;

  private constructor(log: EventLog, server: Awaited<ReturnType<typeof temporaryPostgres>>) {
    this.log = log;
    this.#stopServer = () => server.stop();
    const database = (this.#database = new Database({ url: server.url }));
    const [clock, leases, outbox] = [new SystemClock(), new PostgresLeaseStore(database), new PostgresOutbox(database)];
    this.parked = new PostgresParkedEvents(database);
    this.reads = new PostgresReadStore(database);
    const aggregates = new PostgresAggregateStore(database);
    this.commands = new CommandExecutor({ aggregates, clock, ids: new UuidV7IdSource(), source: '/test' });
    this.#intake = new LogEventIntake({ owner: 'test' }, { log, publications: new PostgresPublicationStore(database), leases, clock, logger });
    this.#relay = new OutboxRelay({ owner: 'test' }, { outbox, log, leases, logger });
    const parking = new EventParking({ intake: this.#intake, clock, logger, source: '/test' });
    const common = { parked: this.parked, parking, aggregates, commands: this.commands, log, past: new PostgresPastStore(database), logger };
    this.#desk = new ParkedDesk({ lookMs: 50 }, { ...common, projections: [this.breakage.projection, parkedEventsProjection] });
    const replays = {
      owner: 'replayer',
      replaysMax: 1,
      keepMs: 60_000,
      partitionsMax: 4,
      threadsMax: 1,
      threadEventsMin: 1,
      eventsPerSecondMax: 0,
      lookMs: 20,
    };
    const projections = [this.breakage.projection];
    const builds = new PostgresProjectionBuilds(database);
    this.#replays = new ReplayHost(replays, {
      log,
      builds,
      aggregates,
      leases,
      commands: this.commands,
      clock,
      projections,
      logger,
      parked: this.parked,
      past: common.past,
    });
    this.#aggregates = aggregates;
    this.start = (limits) => this.#start({ log, leases, logger, parking, store: new PostgresProjectionStore(database) }, limits);
  }

  static async open(log: EventLog): Promise<ParkedWorld> {
    const server = await temporaryPostgres();
    await runMigrations(server.url);
    for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
    const world = new ParkedWorld(log, server);
    await world.#relay.start();
    world.#desk.start();
    world.#replays.start();
    return world;
  }

  /** Lets a host work, in place of the one before. */
  readonly start: (limits?: Partial<PoisonLimits>) => Promise<void>;

  async #start(deps: Omit<ConstructorParameters<typeof ConsumerHost>[1], 'poison'>, changed: Partial<PoisonLimits> = {}): Promise<void> {
    await this.stopHost();
    const limits = { attemptsMax: 3, retryMs: 5, keysMax: 100, heldMax: 100_000, ...changed };
    const mortal = (this.#mortal = new Mortal());
    const discards = new DiscardReader(this.#aggregates);
    const leftOut = (projection: string): Promise<LeftOut> => discards.leftOut(projection);
    const poison = { parked: mortal.use(this.parked), clock: new SystemClock(), limits, leftOut };
    const init = { projections: [this.breakage.projection, parkedEventsProjection], owner: `host-${this.#hosts++}`, ordersEveryMs: 50 };
    const used = { log: mortal.use(deps.log), leases: mortal.use(deps.leases), store: mortal.use(deps.store), timers: mortal };
    this.#host = new ConsumerHost({ ...init, leaseTtlMs: 1500, renewIntervalMs: 300 }, { ...deps, ...used, poison });
    await this.#host.start();
  }

  /** Lets the host come to its orderly end. */
  async stopHost(): Promise<void> {
    if (this.#mortal?.alive === true) await this.#host?.stop();
    this.#host = undefined;
  }

  /** The host is killed right after the next call of that name is done, before it hears of it. Resolves once it is. */
  killedAfter(call: string): Promise<void> {
    return (this.#mortal as Mortal).diesAfter(call);
  }

  /** Everything that is parked, as a version wrote it that knew no tenants. */
  async parkedByOlderVersion(): Promise<void> {
    await this.#database.read({ text: 'UPDATE streams.parked_events SET key = substr(key, strpos(key, chr(10)) + 1)' });
  }

  /** The rows are begun anew from the first event on, as where the log is all that is left. */
  async beginAnew(): Promise<void> {
    await this.stopHost();
    await new PostgresProjectionStore(this.#database).reset(this.breakage.projection);
  }

  /** What an operator asks for by the API. */
  async ask(verb: ParkedVerb, offset: bigint, edge: string): Promise<void> {
    const place = { topic: 'edge', partition: partitionOf(edge, topicPartitions), offset: String(offset), consumer: 'told@1' };
    const command = { type: 'OrderRedrive', ...place, verb, requestedBy: 'key:operator', reason: 'tried' } as const;
    await this.commands.execute(parkedAggregate, parkedIdOf(place), command, { actor: 'key:operator', correlationId: 'c' });
  }

  /** Orders a replay of the read model, and waits until it is over. */
  async replay(replayId: string, mode: 'rebuild' | 'comparison'): Promise<KnownReplay> {
    const whole = { fromMs: null, untilMs: null, partitions: null, reason: '' };
    const order = { replayId, mode, projection: 'told', promote: mode === 'rebuild', ...whole } as const;
    await this.commands.execute(replayAggregate, replayId, { type: 'RequestReplay', ...order }, { actor: 'key:operator', correlationId: 'c' });
    for (;;) {
      const state = (await this.#aggregates.load(replayAggregate.context, replayId))?.state as KnownReplay;
      if (state.phase === 'closed') return state;
      await pause(20);
    }
  }

  /** What an edge's row has taken. */
  async taken(edge: string): Promise<readonly number[]> {
    const [row] = await this.reads.select(table, { keys: [{ edge_id: edge }], limit: 1 });
    return Object.keys((row?.['taken'] ?? {}) as object)
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** What the read model tells of parked events. */
  rows(): Promise<readonly ReadRow[]> {
    return this.reads.select(parkedEventTable, { orderBy: [{ column: 'record_offset' }], limit: 100 });
  }

  async until(condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition())) await pause(20);
  }

  async close(): Promise<void> {
    await this.stopHost();
    await this.#replays.stop();
    await this.#desk.stop();
    await this.#relay.stop();
    await this.#intake.stop();
    await this.log.close();
    await this.#database.close();
    await this.#stopServer();
  }
}
