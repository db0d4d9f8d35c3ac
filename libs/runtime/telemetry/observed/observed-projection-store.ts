import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { ProjectionStore, type CheckpointView, type ProjectionCommit, type ProjectionPartition, type RedriveCommit } from '#ports';
import type { Counter, Histogram } from '../metrics/meter.ts';
import { metrics } from '../metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry.ts';
import { runBatch, tracedPerBatchMax } from '../tracing/batch-span.ts';
import { messagingSpan } from '../tracing/messaging.telemetry.ts';
import { codeOf } from './error-code.ts';
import type { SeenEvents } from './seen-events.ts';

/** Read models' store, seen from outside: a commit is the `process` step of the events in it. */
export class ObservedProjectionStore extends ProjectionStore {
  readonly #store: ProjectionStore;
  readonly #telemetry: Telemetry;
  readonly #seen: SeenEvents;
  readonly #seconds: Histogram<'projection'>;
  readonly #commits: Counter<'projection' | 'outcome'>;
  readonly #events: Counter<'projection'>;

  constructor(store: ProjectionStore, telemetry: Telemetry, seen: SeenEvents) {
    super();
    this.#store = store;
    this.#telemetry = telemetry;
    this.#seen = seen;
    this.#seconds = telemetry.meter.histogram(metrics.commitSeconds);
    this.#commits = telemetry.meter.counter(metrics.commits);
    this.#events = telemetry.meter.counter(metrics.committedEvents);
  }

  override ensure(projection: Projection<DomainEvent>): Promise<boolean> {
    return this.#store.ensure(projection);
  }

  override claim(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint): Promise<bigint> {
    return this.#store.claim(projection, at, epoch);
  }

  override begin(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint, first: bigint): Promise<void> {
    return this.#store.begin(projection, at, epoch, first);
  }

  override commit(commit: ProjectionCommit): Promise<void> {
    return this.#observed([commit], () => this.#store.commit(commit));
  }

  override commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    return this.#observed(commits, () => this.#store.commitTogether(commits));
  }

  override redrive(commit: RedriveCommit): Promise<void> {
    return this.#store.redrive(commit);
  }

  override checkpoints(projection?: string): Promise<readonly CheckpointView[]> {
    return this.#store.checkpoints(projection);
  }

  override boundLog(): Promise<string | undefined> {
    return this.#store.boundLog();
  }

  override bindLog(log: string): Promise<string> {
    return this.#store.bindLog(log);
  }

  override reset(projection: Projection<DomainEvent>): Promise<void> {
    return this.#store.reset(projection);
  }

  #observed(commits: readonly ProjectionCommit[], work: () => Promise<void>): Promise<void> {
    const first = commits[0];
    const { tracer, messaging } = this.#telemetry;
    if (first === undefined || !tracer.on) return this.#measured(commits, work);
    const { name, version } = first.projection;
    const init = messagingSpan(
      {
        operation: 'process',
        destination: [...new Set(commits.map(({ at }) => at.topic))].sort().join(','),
        messages: eventsIn(commits),
        partition: commits.length === 1 ? first.at.partition : undefined,
        group: `${name}@${version}`,
      },
      messaging,
    );
    const traced = commits.flatMap(({ at, from, to }) => this.#seen.between(at.topic, at.partition, from, to)).slice(0, tracedPerBatchMax);
    return runBatch(tracer, init, traced, () => this.#measured(commits, work));
  }

  async #measured(commits: readonly ProjectionCommit[], work: () => Promise<void>): Promise<void> {
    const projection = commits[0]?.projection.name;
    if (projection === undefined || !this.#telemetry.meter.on) return work();
    const begun = performance.now();
    try {
      await work();
      this.#seconds.observe((performance.now() - begun) / 1000, { projection });
      this.#commits.add(1, { projection, outcome: 'committed' });
      this.#events.add(eventsIn(commits), { projection });
    } catch (error) {
      this.#commits.add(1, { projection, outcome: codeOf(error) });
      throw error;
    }
  }
}

/** Offsets may have gaps; as a size it is near enough. */
function eventsIn(commits: readonly ProjectionCommit[]): number {
  return commits.reduce((sum, { from, to }) => sum + Number(to - from), 0);
}
