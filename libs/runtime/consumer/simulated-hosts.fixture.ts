import { edgeRegistered, edgeReported, encodeEvent, topicPartitions, type DomainEvent, type LogRecord, type StoredRecord } from '#events';
import { foldChanges, OperatingError, rowsText, type Projection, type RowChange, type TableSpec } from '#kernel';
import { MemoryProjectionStore } from '#adapters/memory';
import type { EventLog, LeaseStore, ParkedEvents, ProjectionCommit, ProjectionStore, RedriveCommit } from '#ports';
import {
  CheckedLeaseStore,
  CheckedProjectionStore,
  manyFaults,
  noFaults,
  SimEventLog,
  SimNetwork,
  SimProcess,
  Simulation,
  Violations,
  type FaultPlan,
} from '#sim';
import { pino } from 'pino';
import { nothingLeftOut } from '../left-out.ts';
import { ConsumerHost } from './consumer-host.ts';
import { leaseGroups } from './lease-group.ts';
import { projectRecord } from './project-record.ts';

const table: TableSpec = {
  name: 'seen',
  key: { edge_id: 'text' },
  columns: { requests: { type: 'bigint', join: 'max' }, hits: { type: 'json', join: 'counter' }, status: { type: 'text', join: 'lww', stamp: 'at' } },
};

/** Small, and with a join of each kind: one that forgets what it had, one that adds up, one that depends on order. */
export const simulated: Projection<DomainEvent> = {
  name: 'seen',
  version: 1,
  contexts: ['edge'],
  handles: [edgeReported.type],
  ignores: [edgeRegistered.type],
  tables: [table],
  project(event) {
    if (event.type !== edgeReported.type) return [];
    const { edgeId, incarnation, requests, hits } = event.data;
    const set = { requests: BigInt(requests), hits: { [incarnation]: hits }, status: `after ${requests}` };
    return [{ table: 'seen', key: { edge_id: edgeId }, set, stamps: { at: event.streamVersion } }];
  },
};

/** What the world does to events: some a projection cannot take until it is mended, some fail in passing, some rows the database refuses. */
class SimulatedPoison {
  readonly throwing = new Set<string>();
  readonly refused = new Set<number>();
  readonly passing = new Map<string, number>();
  readonly projection: Projection<DomainEvent> = { ...simulated, project: (event) => this.#project(event) };

  /** True for one that cannot be taken now, or could not a moment ago. */
  readonly ever = new Set<string>();

  poison(id: string, count: number, dice: number): void {
    if (dice < 0.004) this.throwing.add(id);
    else if (dice < 0.006) this.refused.add(count);
    else if (dice < 0.012) this.passing.set(id, 2);
    if (dice < 0.006) this.ever.add(id);
  }

  mend(id: string): void {
    this.throwing.delete(id);
    this.refused.delete(Number(id.slice('id-'.length)));
  }

  mendAll(): void {
    this.throwing.clear();
    this.refused.clear();
    this.passing.clear();
  }

  #project(event: DomainEvent): readonly RowChange[] {
    const left = this.passing.get(event.id) ?? 0;
    if (left > 0) {
      this.passing.set(event.id, left - 1);
      throw new OperatingError('It passes.', { code: 'AWAY', retryable: true });
    }
    if (this.throwing.has(event.id)) throw new RangeError(`cannot take ${event.id}`);
    return simulated.project(event);
  }
}

/** Refuses whole transactions for one row, as a database does. */
class RefusingStore extends MemoryProjectionStore {
  readonly #refused: ReadonlySet<number>;

  constructor(simulation: Simulation, refused: ReadonlySet<number>) {
    super(simulation.clock);
    this.#refused = refused;
  }

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    for (const { changes } of commits) this.#check(changes);
    await super.commitTogether(commits);
  }

  override async redrive(commit: RedriveCommit): Promise<void> {
    this.#check(commit.changes);
    await super.redrive(commit);
  }

  #check(changes: readonly RowChange[]): void {
    if (this.#refused.size > 0 && changes.some(({ set }) => this.#refused.has(Number(set['requests']))))
      throw new OperatingError('A row is refused.', { code: 'DATABASE_VALUE_INVALID', retryable: false });
  }
}

/** Engines that are broken on purpose stand behind the checks. */
export interface SimulatedEngines {
  readonly leases?: (simulation: Simulation) => LeaseStore;
  readonly store?: (simulation: Simulation) => ProjectionStore & MemoryProjectionStore;
  readonly parked?: (parked: ParkedEvents) => ParkedEvents;
}

export interface SimulatedRun {
  readonly seed: number;
  readonly steps: number;
  readonly events: number;
  readonly poison: { readonly parked: number; readonly redriven: number; readonly discarded: number };
  /** What must never happen, and did; undefined when nothing did. */
  readonly violation: string | undefined;
  /** Crashes by the continuation that they came before. */
  readonly crashes: ReadonlyMap<string, number>;
  /** Everything that was written, and when: the same for the same seed. */
  readonly digest: string;
}

const hostsMax = 3;
const crashWhenBrief = 0.03;
const limits = { attemptsMax: 3, retryMs: 300, keysMax: 100, heldMax: 100_000 };
const logger = pino({ level: 'silent' });

function fold(projection: Projection<DomainEvent>, records: readonly StoredRecord[]) {
  return foldChanges(
    projection.tables,
    records.flatMap((record) => projectRecord(projection, record)),
  );
}

/** Three hosts that come and go on a log that grows, with everything going wrong; then a time of peace, in which all must be made good. */
export class SimulatedHosts {
  readonly #simulation: Simulation;
  readonly #violations = new Violations();
  readonly #log: SimEventLog;
  readonly #leases: CheckedLeaseStore;
  readonly #rows: MemoryProjectionStore;
  readonly #store: CheckedProjectionStore;
  readonly #network: SimNetwork;
  readonly #poison = new SimulatedPoison();
  readonly #parked: ParkedEvents;
  readonly #crashes = new Map<string, number>();
  readonly #hosts: Array<ConsumerHost | undefined> = Array.from({ length: hostsMax }, () => undefined);
  #faults = manyFaults;
  #written = 0;

  constructor(seed: number, engines: SimulatedEngines = {}) {
    const simulation = (this.#simulation = new Simulation(seed));
    this.#log = new SimEventLog(simulation);
    this.#leases = new CheckedLeaseStore(simulation, this.#violations, engines.leases?.(simulation));
    this.#rows = engines.store?.(simulation) ?? new RefusingStore(simulation, this.#poison.refused);
    this.#parked = engines.parked?.(this.#rows.parked) ?? this.#rows.parked;
    this.#store = new CheckedProjectionStore({
      ...{ simulation, violations: this.#violations, log: this.#log, fold, inner: this.#rows },
      orderOf: async ({ projection: { name, version }, at, offset }) =>
        (await this.#rows.parked.show({ projection: name, version, ...at, offset }))?.order?.verb,
      isPoison: ({ headers }) => this.#poison.ever.has(headers['ce_id'] ?? ''),
    });
    this.#network = new SimNetwork(simulation, () => this.#faults);
  }

  async run(stepsMax: number): Promise<SimulatedRun> {
    await this.#log.ensureTopic('edge', topicPartitions);
    this.#write();
    this.#operate();
    for (let at = 0; at < hostsMax; at++) this.#start(at);
    await this.#simulation.runUntil(() => this.#violations.first !== undefined, stepsMax);
    this.#faults = noFaults;
    this.#poison.mendAll();
    if (this.#violations.first === undefined) await this.#makePeace();
    const { seed, steps, now } = this.#simulation;
    const digest = `${steps} steps, ${now} ms, ${this.#store.events} events\n${rowsText(this.#rows.serving(table) ?? [])}`;
    return { seed, steps, events: this.#store.events, poison: this.#store.poison, violation: this.#violations.first, crashes: this.#crashes, digest };
  }

  /** Nothing goes wrong any more: what is behind catches up, every lease comes into one hand, the rows are the fold of the log. */
  async #makePeace(): Promise<void> {
    const highs = (await this.#log.heads('edge')).map(({ high }) => high);
    const isCaughtUp = (): boolean => highs.every((high, partition) => this.#store.appliedTo(simulated, { topic: 'edge', partition }) >= high);
    const all = leaseGroups([simulated]).map(({ name }) => name);
    const held = (): readonly string[] => this.#hosts.flatMap((host) => host?.held ?? []);
    const isShared = (): boolean => held().length === all.length && new Set(held()).size === all.length;
    const isDone = (): boolean => this.#violations.first !== undefined || (isCaughtUp() && isShared() && this.#rows.parked.standing === 0);
    if (!(await this.#simulation.runUntil(isDone, 60_000)))
      this.#violations.add(
        !isCaughtUp()
          ? 'some partitions are never read to their end'
          : isShared()
            ? `${this.#rows.parked.standing} parked events are never taken`
            : `leases are lost: ${held().length} of ${all.length} held`,
      );
    await this.#compareRows();
  }

  async #compareRows(): Promise<void> {
    const records: StoredRecord[] = [];
    for (const { partition } of await this.#log.heads('edge')) {
      const to = this.#store.appliedTo(simulated, { topic: 'edge', partition });
      const batch = await this.#log.read('edge', partition, 0n, { recordsMax: 1_000_000, bytesMax: Infinity, waitMs: 0 });
      const isDiscarded = ({ offset }: StoredRecord): boolean => this.#store.isDiscarded(simulated, { topic: 'edge', partition }, offset);
      records.push(...batch.records.filter((record) => record.offset < to && !isDiscarded(record)));
    }
    if (rowsText(this.#rows.serving(table) ?? []) !== rowsText(fold(simulated, records))) this.#violations.add('the rows are not the fold of the log');
  }

  /** Somebody looks at what is parked now and then: mends what is broken and asks for it again, or has it left out. */
  #operate(): void {
    const { dice } = this.#simulation;
    const isPeace = this.#faults === noFaults;
    const work = async (): Promise<void> => {
      for (const seen of await this.#rows.parked.untold(100)) await this.#rows.parked.told(seen);
      const parked = await this.#rows.parked.list({ limit: 1000 });
      const chosen = isPeace ? parked : parked.filter(() => dice.next() < 0.3);
      for (const event of chosen) {
        const verb = !isPeace && dice.next() < 0.2 ? 'discard' : 'retry';
        if (dice.next() < 0.7) this.#poison.mend(event.eventId);
        await this.#rows.parked.order(event, { id: `order-${this.#simulation.now}`, verb });
      }
    };
    void work();
    this.#simulation.after(dice.nextInteger(500, 20_000), () => this.#operate());
  }

  /** The log grows all the time, by a few events under some keys, each of which two tenants have. */
  #write(): void {
    const { dice } = this.#simulation;
    const records = Array.from({ length: dice.nextInteger(1, 6) }, () => this.#record(`edge-${dice.nextInteger(0, 30)}`));
    void this.#log.append('edge', records);
    this.#simulation.after(dice.nextInteger(1, 400), () => this.#write());
  }

  #record(edgeId: string): LogRecord {
    const count = ++this.#written;
    const sample = edgeReported.samples.at(-1) as Parameters<typeof edgeReported.draft>[0];
    const data = { ...sample, edgeId, incarnation: sample.incarnation + (count % 3), requests: count, hits: count };
    if (this.#faults !== noFaults) this.#poison.poison(`id-${count}`, count, this.#simulation.dice.next());
    const tenant = this.#simulation.dice.next() < 0.5 ? 'acme' : 'beta';
    const envelope = { source: '/sim', tenant, correlationId: '', causationId: '', traceparent: '', actor: 'system:sim', producerEpoch: 1n };
    const about = { type: edgeReported.type, version: 1, subject: edgeId, key: edgeId, streamVersion: BigInt(count) };
    return encodeEvent({ ...envelope, ...about, id: `id-${count}`, time: this.#simulation.now, data });
  }

  /** Starts a host; one that ends, by a crash, by a failed start or because it was told to, is started again a little later. */
  #start(at: number): void {
    const { dice } = this.#simulation;
    const again = (): void => {
      this.#hosts[at] = undefined;
      this.#simulation.after(dice.nextInteger(0, 12_000), () => this.#start(at));
    };
    const brief = { now: true };
    // The first steps of a process are few, and those of its orderly end, so a crash would hardly ever come before them.
    const faults = (): FaultPlan => (brief.now && this.#faults !== noFaults ? { ...this.#faults, crash: crashWhenBrief } : this.#faults);
    const process = new SimProcess({ simulation: this.#simulation, faults, onCrash: (point) => (this.#count(point), again()) });
    const timeouts = ['blocking', 'claim', 'commitTogether', 'commit', 'ordered', 'redrive', 'read'];
    const remote = <Port extends object>(engine: Port): Port => this.#network.remote(process, engine, timeouts);
    const poison = { parked: remote(this.#parked), clock: this.#simulation.clock, limits, leftOut: () => Promise.resolve(nothingLeftOut) };
    const deps = { log: remote<EventLog>(this.#log), leases: remote<LeaseStore>(this.#leases), store: remote<ProjectionStore>(this.#store) };
    const host = new ConsumerHost(
      { projections: [this.#poison.projection], owner: `host-${at}`, ordersEveryMs: 3000 },
      { ...deps, logger, timers: process, poison },
    );
    host.start().then(
      () => {
        brief.now = false;
        if (process.alive) this.#hosts[at] = host;
      },
      () => process.crash('start'),
    );
    this.#simulation.after(dice.nextInteger(5_000, 300_000), () => {
      brief.now = true;
      this.#stop(process, host);
    });
  }

  /** An orderly end: it commits what it has read and gives its leases back, unless it crashes over that. */
  #stop(process: SimProcess, host: ConsumerHost): void {
    if (!process.alive || this.#faults === noFaults) return;
    const end = (): void => process.crash('stop');
    host.stop().then(end, end);
  }

  #count(point: string): void {
    this.#crashes.set(point, (this.#crashes.get(point) ?? 0) + 1);
  }
}

/** Runs a seed, and tells in one line how to run it again when it fails. */
export async function simulateHosts(seed: number, steps: number, engines?: SimulatedEngines): Promise<SimulatedRun> {
  const run = await new SimulatedHosts(seed, engines).run(steps);
  if (run.violation === undefined) return run;
  throw new Error(`After ${run.steps} steps: ${run.violation}. Again: SIM_SEED=${seed} npm test -- sim consumer-host`);
}
