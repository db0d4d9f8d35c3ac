import type {
  AggregateStore,
  BlobStore,
  Clock,
  EventLog,
  IdSource,
  LeaseStore,
  LedgerStore,
  PastStore,
  ParkedEvents,
  ProjectionBuilds,
  PublicationStore,
  RateLimiter,
  ReadStore,
  SecretStore,
} from '#ports';
import type { Telemetry } from '#runtime';

/** What the gateway stands on. */
export interface GatewayEngines {
  readonly log: EventLog;
  readonly aggregates: AggregateStore;
  readonly reads: ReadStore;
  readonly blobs: BlobStore;
  readonly secrets: SecretStore;
  readonly limiter: RateLimiter;
  readonly publications: PublicationStore;
  readonly leases: LeaseStore;
  readonly ledger: LedgerStore;
  readonly builds: ProjectionBuilds;
  readonly past: PastStore;
  readonly parked: ParkedEvents;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly telemetry?: Telemetry;
}
