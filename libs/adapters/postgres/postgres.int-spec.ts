import { setTimeout as sleep } from 'node:timers/promises';
import {
  aggregateStoreConformance,
  eventIndexConformance,
  effectStoreConformance,
  leaseStoreConformance,
  ledgerStoreConformance,
  pastStoreConformance,
  projectionBuildsConformance,
  projectionStoreConformance,
  publicationStoreConformance,
  subjectKeyStoreConformance,
} from '#ports/conformance';
import type { Database } from './database.ts';
import { PostgresAggregateStore } from './postgres-aggregate-store.adapter.ts';
import { PostgresEventIndex } from './event-index/postgres-event-index.adapter.ts';
import { PostgresEffectStore } from './postgres-effect-store.adapter.ts';
import { PostgresKeptErasures } from './postgres-kept-erasures.adapter.ts';
import { PostgresLeaseStore } from './postgres-lease-store.adapter.ts';
import { PostgresLedgerStore } from './postgres-ledger-store.adapter.ts';
import { PostgresOutbox } from './postgres-outbox.adapter.ts';
import { PostgresPastStore } from './postgres-past-store.adapter.ts';
import { PostgresParkedEvents } from './parked/postgres-parked-events.adapter.ts';
import { PostgresProjectionBuilds } from './builds/postgres-projection-builds.adapter.ts';
import { PostgresProjectionStore } from './postgres-projection-store.adapter.ts';
import { PostgresPublicationStore } from './postgres-publication-store.adapter.ts';
import { PostgresReadStore } from './postgres-read-store.adapter.ts';
import { PostgresReadTotals } from './postgres-read-totals.adapter.ts';
import { PostgresSubjectKeyStore } from './postgres-subject-key-store.adapter.ts';
import { openPostgres } from './postgres-subject.fixture.ts';

/** A factory of subjects, each with a server of its own. */
function onPostgres<Port>(make: (database: Database) => Port) {
  return async () => {
    const { database, dispose } = await openPostgres();
    return { port: make(database), elapse: (ms: number) => sleep(ms), dispose };
  };
}

publicationStoreConformance(
  'PostgresPublicationStore',
  onPostgres((database) => new PostgresPublicationStore(database)),
);
pastStoreConformance(
  'PostgresPastStore',
  onPostgres((database) => new PostgresPastStore(database)),
);
subjectKeyStoreConformance(
  'PostgresSubjectKeyStore',
  onPostgres((database) => ({
    keys: new PostgresSubjectKeyStore(database),
    aggregates: new PostgresAggregateStore(database),
    kept: new PostgresKeptErasures(database),
  })),
);
effectStoreConformance(
  'PostgresEffectStore',
  onPostgres((database) => ({ effects: new PostgresEffectStore(database), outbox: new PostgresOutbox(database) })),
);
leaseStoreConformance(
  'PostgresLeaseStore',
  onPostgres((database) => new PostgresLeaseStore(database)),
);
ledgerStoreConformance(
  'PostgresLedgerStore',
  onPostgres((database) => new PostgresLedgerStore(database)),
);
aggregateStoreConformance(
  'PostgresAggregateStore',
  onPostgres((database) => ({ aggregates: new PostgresAggregateStore(database), outbox: new PostgresOutbox(database) })),
);
projectionStoreConformance(
  'PostgresProjectionStore',
  onPostgres((database) => ({
    projections: new PostgresProjectionStore(database),
    parked: new PostgresParkedEvents(database),
    rows: new PostgresReadStore(database),
    totals: new PostgresReadTotals(database),
  })),
);
projectionBuildsConformance(
  'PostgresProjectionBuilds',
  onPostgres((database) => ({
    builds: new PostgresProjectionBuilds(database),
    projections: new PostgresProjectionStore(database),
    parked: new PostgresParkedEvents(database),
    rows: new PostgresReadStore(database),
    totals: new PostgresReadTotals(database),
  })),
);
eventIndexConformance(
  'PostgresEventIndex',
  onPostgres((database) => new PostgresEventIndex(database)),
);
