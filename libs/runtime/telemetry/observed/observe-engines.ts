import { hasCode } from '#kernel';
import { blobCid, type AggregateStore, type BlobStore, type Clock, type EventLog, type LeaseStore, type Outbox, type ProjectionStore } from '#ports';
import { metrics } from '../metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry.ts';
import { ObservedAggregateStore } from './observed-aggregate-store.ts';
import { ObservedBlobStore } from './observed-blob-store.ts';
import { ObservedEventLog } from './observed-event-log.ts';
import { ObservedLeaseStore } from './observed-lease-store.ts';
import { ObservedOutbox } from './observed-outbox.ts';
import { ObservedProjectionStore } from './observed-projection-store.ts';
import { SeenEvents } from './seen-events.ts';

/** Connections of a pool. */
export interface PoolUse {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Engines that can be observed; a process has some of them. */
export interface Observable {
  readonly clock: Clock;
  readonly log?: EventLog;
  readonly aggregates?: AggregateStore;
  readonly outbox?: Outbox;
  readonly leases?: LeaseStore;
  readonly projections?: ProjectionStore;
  readonly blobs?: BlobStore;
  readonly databasePool?: () => PoolUse;
}

/** What readiness asks of each engine; each answers in milliseconds where it answers at all. */
const nobody = 'readiness/';
const emptyBlob = blobCid(new Uint8Array());

/**
 * The same engines, seen from outside: what they do is traced and counted, and the process is ready when they answer.
 * With tracing and metrics off the engines themselves are answered: no call goes a longer way.
 */
export function observeEngines<Some extends Observable>(engines: Some, telemetry: Telemetry): Some {
  const { health, meter, tracer } = telemetry;
  const { log, leases, blobs, databasePool } = engines;
  if (log !== undefined) health.needs('event log', () => answers(log));
  if (leases !== undefined) health.needs('database', () => leases.list(nobody));
  if (blobs !== undefined) health.needs('blob store', () => blobs.stat(emptyBlob));
  if (!tracer.on && !meter.on) return engines;
  if (databasePool !== undefined) countConnections(databasePool, telemetry);
  return { ...engines, ...observed(engines, telemetry) };
}

/** A log that does not know the topic yet has answered. */
async function answers(log: EventLog): Promise<void> {
  await log.heads('stream').catch((error: unknown) => {
    if (!hasCode(error, 'TOPIC_UNKNOWN')) throw error;
  });
}

function observed(engines: Observable, telemetry: Telemetry): Partial<Observable> {
  const seen = new SeenEvents();
  const { log, aggregates, outbox, leases, projections, blobs, clock } = engines;
  return {
    ...(log === undefined ? {} : { log: new ObservedEventLog(log, telemetry, seen) }),
    ...(aggregates === undefined || !telemetry.tracer.on ? {} : { aggregates: new ObservedAggregateStore(aggregates, telemetry.tracer) }),
    ...(outbox === undefined ? {} : { outbox: new ObservedOutbox(outbox, telemetry, () => clock.now()) }),
    ...(leases === undefined ? {} : { leases: new ObservedLeaseStore(leases, telemetry) }),
    ...(projections === undefined ? {} : { projections: new ObservedProjectionStore(projections, telemetry, seen) }),
    ...(blobs === undefined ? {} : { blobs: new ObservedBlobStore(blobs, telemetry) }),
  };
}

function countConnections(use: () => PoolUse, { meter }: Telemetry): void {
  const gauge = meter.gauge(metrics.databaseConnections);
  meter.onCollect('database pool', () => {
    for (const [state, count] of Object.entries(use())) gauge.set(Number(count), { state });
  });
}
