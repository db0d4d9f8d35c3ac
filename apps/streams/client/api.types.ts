/** What the gateway answers, as far as the command line and the supervisor use it. */
export interface StreamSummary {
  readonly id: string;
  readonly name: string;
  readonly status: 'created' | 'live' | 'interrupted' | 'stopped';
  readonly statusReason: string | null;
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly stoppedAt: string | null;
  readonly durationMs: number | null;
  readonly playback: { readonly hls: string; readonly dash: string };
}

export interface StartedStream extends StreamSummary {
  readonly streamKey: string;
  readonly ingest: { readonly primary: string; readonly backup: string; readonly securePrimary: string | null };
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface IssuedKey {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly expiresAt: string | null;
  readonly key: string;
}

export interface RotatedKey {
  readonly id: string;
  readonly key: string;
  readonly previousUntil: string | null;
}

export interface TenantView {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string | null;
  readonly status: 'active' | 'suspended';
}

export interface KeyView {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly issuedAt: string | null;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

export interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly actor?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface PurgeView {
  readonly id: string;
  readonly urls: readonly string[];
  readonly mode: 'hard' | 'soft' | 'dry-run';
  readonly selectors: ReadonlyArray<{ readonly kind: string; readonly value: string }>;
  readonly total: number;
  readonly progress: {
    readonly edges: number;
    readonly applied: number;
    readonly p50Ms: number | null;
    readonly p99Ms: number | null;
    readonly laggards: readonly string[];
  } | null;
  readonly applied: ReadonlyArray<{ readonly edgeId: string; readonly mirroredFrom: string | null; readonly objects: number; readonly delayMs: number }>;
}

export interface CdnHealth {
  readonly status: string;
  readonly edges: ReadonlyArray<{ readonly id: string; readonly status: string; readonly url: string | null; readonly mirroredFrom: string | null }>;
}

export interface LedgerView {
  readonly name: string | null;
  readonly keys: readonly string[];
  readonly witnesses: ReadonlyArray<{ readonly edgeId: string; readonly verifierKey: string }>;
  readonly trees: ReadonlyArray<{
    readonly topic: string;
    readonly partition: number;
    readonly origin: string;
    readonly records: number;
    readonly checkpoint: string | null;
  }>;
  /** Why trees stand still, and the way out. */
  readonly trouble: { readonly message: string } | null;
}

export interface TableDifferenceView {
  readonly table: string;
  readonly serving: number;
  readonly rebuilt: number;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly changedColumns: Readonly<Record<string, number>>;
  readonly onlyServing: readonly string[];
  readonly onlyRebuilt: readonly string[];
  readonly servingDigest: string;
  readonly rebuiltDigest: string;
  readonly samples: ReadonlyArray<{
    readonly kind: 'added' | 'removed' | 'changed';
    readonly key: Readonly<Record<string, unknown>>;
    readonly columns: Readonly<Record<string, { readonly serving: unknown; readonly rebuilt: unknown }>>;
  }>;
  /** Samples that are not for this key. */
  readonly withheld: number;
}

export interface ModelDifferenceView {
  readonly equal: boolean;
  readonly servingVersion: number;
  readonly rebuiltVersion: number;
  readonly tables: readonly TableDifferenceView[];
  readonly tablesOnlyServing: readonly string[];
  readonly tablesOnlyRebuilt: readonly string[];
}

export interface ReplayView {
  readonly id: string;
  readonly projection: string;
  readonly mode: 'rebuild' | 'comparison';
  readonly status: string;
  readonly version: number | null;
  readonly from: string | null;
  readonly until: string | null;
  readonly partitions: readonly number[] | null;
  readonly requestedBy: string | null;
  readonly requestedAt: string | null;
  readonly note: string | null;
  readonly lastEvent: string | null;
  readonly progress: {
    readonly done: number;
    readonly total: number;
    readonly eventsPerSecond: number;
    readonly etaMs: number | null;
    readonly skipped: number;
    readonly poisoned?: ReadonlyArray<{ readonly place: string; readonly code: string; readonly message: string }>;
  } | null;
  /** Events that the log no longer held when it began; null before it is done. */
  readonly eventsGone: number | null;
  readonly behind: { readonly events: number; readonly partition: string } | null;
  readonly difference: ModelDifferenceView | null;
}

export interface ProjectionView {
  readonly name: string;
  readonly version: number | null;
  readonly codeVersion: number;
  readonly lagEvents: number;
  readonly lagSeconds: number;
  /** Why it does not move, and the way out. */
  readonly trouble: { readonly code: string; readonly message: string } | null;
  /** A build that would lose something, and waits. */
  readonly heldBack: { readonly id: string; readonly version: number; readonly eventsGone: number; readonly message: string } | null;
  readonly kept: number;
}

export interface ParkedView {
  readonly id: string;
  readonly state: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly consumer: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly attempts: number;
  readonly held: number;
  readonly tenant: string | null;
  readonly key: string | null;
  readonly parkedAt: string | null;
  readonly stateBy: string | null;
  readonly stateNote: string | null;
  readonly stateAt: string | null;
}

export interface ParkedDetailView extends ParkedView {
  readonly stack: string;
  readonly waiting: ReadonlyArray<{ readonly offset: string; readonly eventId: string; readonly eventType: string }>;
  readonly record: { readonly key: string; readonly headers: Readonly<Record<string, string>>; readonly value: string } | null;
}

export interface SandboxView {
  readonly name: string;
  readonly id: string;
  readonly status: string;
  readonly projections: readonly string[];
  readonly from: string | null;
  readonly until: string;
  readonly expiresAt: string;
  readonly createdBy: string | null;
  readonly note: string | null;
  /** Null until it is ready. */
  readonly eventsGone: number | null;
  readonly progress: ReadonlyArray<{ readonly projection: string; readonly done: number; readonly total: number }>;
}
