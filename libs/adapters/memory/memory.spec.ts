import {
  aggregateStoreConformance,
  blobStoreConformance,
  eventIndexConformance,
  effectStoreConformance,
  eventLogConformance,
  jobQueueConformance,
  leaseStoreConformance,
  ledgerStoreConformance,
  pastStoreConformance,
  projectionBuildsConformance,
  projectionStoreConformance,
  publicationStoreConformance,
  rateLimiterConformance,
  subjectKeyStoreConformance,
} from '#ports/conformance';
import { ManualClock } from './manual-clock.adapter.ts';
import { MemoryAggregateStore } from './memory-aggregate-store.adapter.ts';
import { MemoryBlobStore } from './memory-blob-store.adapter.ts';
import { MemoryEventIndex } from './memory-event-index.adapter.ts';
import { MemoryEffectStore } from './memory-effect-store.adapter.ts';
import { MemoryEventLog } from './memory-event-log.adapter.ts';
import { MemoryJobQueue } from './memory-job-queue.adapter.ts';
import { MemoryKeptErasures } from './memory-kept-erasures.adapter.ts';
import { MemoryLeaseStore } from './memory-lease-store.adapter.ts';
import { MemoryLedgerStore } from './memory-ledger-store.adapter.ts';
import { MemoryOutbox } from './memory-outbox.adapter.ts';
import { MemoryPastStore } from './memory-past-store.adapter.ts';
import { MemoryProjectionBuilds } from './memory-projection-builds.adapter.ts';
import { MemoryProjectionStore } from './memory-projection-store.adapter.ts';
import { MemoryPublicationStore } from './memory-publication-store.adapter.ts';
import { MemoryRateLimiter } from './memory-rate-limiter.adapter.ts';
import { MemorySubjectKeyStore } from './memory-subject-key-store.adapter.ts';
import { MemoryReadStore } from './memory-read-store.adapter.ts';
import { MemoryReadTotals } from './memory-read-totals.adapter.ts';

/** A factory of subjects on a clock that is moved by hand. */
function onManualClock<Port>(make: (clock: ManualClock) => Port) {
  return async () => {
    const clock = new ManualClock();
    return { port: make(clock), elapse: async (ms: number) => clock.advance(ms), dispose: async () => {} };
  };
}

eventLogConformance(
  'MemoryEventLog',
  onManualClock((clock) => new MemoryEventLog(clock)),
);
blobStoreConformance(
  'MemoryBlobStore',
  onManualClock(() => new MemoryBlobStore()),
);
publicationStoreConformance(
  'MemoryPublicationStore',
  onManualClock((clock) => {
    // The suite counts days from today on, as a database does.
    clock.advance(Date.now() - clock.now());
    return new MemoryPublicationStore(clock);
  }),
);
pastStoreConformance(
  'MemoryPastStore',
  onManualClock(() => new MemoryPastStore()),
);
subjectKeyStoreConformance(
  'MemorySubjectKeyStore',
  onManualClock((clock) => {
    const aggregates = new MemoryAggregateStore(new MemoryOutbox(clock));
    return { keys: new MemorySubjectKeyStore(aggregates, clock), aggregates, kept: new MemoryKeptErasures() };
  }),
);
effectStoreConformance(
  'MemoryEffectStore',
  onManualClock((clock) => {
    const outbox = new MemoryOutbox(clock);
    return { effects: new MemoryEffectStore({ clock, outbox }), outbox };
  }),
);
jobQueueConformance(
  'MemoryJobQueue',
  onManualClock(() => new MemoryJobQueue()),
);
leaseStoreConformance(
  'MemoryLeaseStore',
  onManualClock((clock) => new MemoryLeaseStore(clock)),
);
aggregateStoreConformance(
  'MemoryAggregateStore',
  onManualClock((clock) => {
    const outbox = new MemoryOutbox(clock);
    return { aggregates: new MemoryAggregateStore(outbox), outbox };
  }),
);
projectionStoreConformance(
  'MemoryProjectionStore',
  onManualClock((clock) => {
    const projections = new MemoryProjectionStore(clock);
    return { projections, parked: projections.parked, rows: new MemoryReadStore(projections), totals: new MemoryReadTotals(projections) };
  }),
);
rateLimiterConformance(
  'MemoryRateLimiter',
  onManualClock((clock) => ({ limiter: new MemoryRateLimiter(), now: () => clock.now() })),
);
ledgerStoreConformance(
  'MemoryLedgerStore',
  onManualClock((clock) => new MemoryLedgerStore(clock)),
);
projectionBuildsConformance(
  'MemoryProjectionBuilds',
  onManualClock((clock) => {
    const projections = new MemoryProjectionStore(clock);
    return {
      projections,
      parked: projections.parked,
      builds: new MemoryProjectionBuilds(projections, clock),
      rows: new MemoryReadStore(projections),
      totals: new MemoryReadTotals(projections),
    };
  }),
);
eventIndexConformance(
  'MemoryEventIndex',
  onManualClock((clock) => new MemoryEventIndex(clock)),
);
