import type { SealedEventLog } from '#adapters/sealed-log';
import type {
  AggregateStore,
  BlobStore,
  Clock,
  EventIndex,
  EffectStore,
  EventLog,
  IdSource,
  KeptErasures,
  LeaseStore,
  LedgerStore,
  PastStore,
  ParkedEvents,
  MasterKey,
  ProjectionBuilds,
  PublicationStore,
  RateLimiter,
  ReadStore,
  ReadTotals,
  SecretStore,
  SubjectKeyStore,
} from '#ports';
import type { PersonalData, Telemetry } from '#runtime';

/** What the gateway stands on. */
export interface GatewayEngines {
  readonly log: EventLog;
  readonly sealedLog: SealedEventLog;
  readonly aggregates: AggregateStore;
  readonly reads: ReadStore;
  readonly totals: ReadTotals;
  readonly blobs: BlobStore;
  readonly secrets: SecretStore;
  readonly subjectKeys: SubjectKeyStore;
  readonly keptErasures: KeptErasures;
  readonly master: MasterKey;
  /** Decrypts for those who read, and encrypts what is written. */
  readonly personal: PersonalData;
  readonly limiter: RateLimiter;
  readonly publications: PublicationStore;
  readonly leases: LeaseStore;
  readonly ledger: LedgerStore;
  readonly builds: ProjectionBuilds;
  readonly past: PastStore;
  readonly parked: ParkedEvents;
  readonly index: EventIndex;
  readonly effects: EffectStore;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly telemetry?: Telemetry;
}
