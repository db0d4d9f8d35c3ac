/** The parts of the gateway's answers that the console shows. */

export type StreamStatus = 'created' | 'live' | 'interrupted' | 'stopped';

export interface StreamSummary {
  readonly id: string;
  readonly name: string;
  readonly status: StreamStatus;
  /** RFC 3339. */
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly stoppedAt: string | null;
  /** Length of what was recorded; null when there never was a picture. */
  readonly durationMs: number | null;
  readonly playback: { readonly hls: string; readonly dash: string };
  /** Null of a moment in the past. */
  readonly viewers: number | null;
}

/** The one file that a stopped stream is made into. */
export interface Recording {
  readonly status: 'finished' | 'failed';
  readonly reason: string | null;
  readonly mp4Url: string | null;
  readonly posterUrl: string | null;
  readonly durationMs: number | null;
  readonly bytes: number | null;
  readonly width: number | null;
  readonly height: number | null;
}

/** Who publishes to one of a stream's two endpoints. */
export interface PublisherView {
  readonly endpoint: 'primary' | 'backup';
  readonly sessionId: string;
  /** Viewers see its media; the other one is kept warm. */
  readonly active: boolean;
}

export interface RenditionView {
  readonly name: string;
  readonly kind: 'video' | 'audio';
  readonly codecs: string;
  readonly bandwidth: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
  readonly channels: number | null;
  /** What listeners choose a sound by. */
  readonly label: string | null;
  readonly segments: ReadonlyArray<{
    readonly mediaSequence: number;
    readonly sizeBytes: number;
    readonly durationMs: number;
    readonly producedAt: string | null;
  }>;
}

export interface StreamDetail extends StreamSummary {
  readonly settings: {
    readonly segmentDurationSeconds: number;
    readonly graceSeconds: number;
    readonly dvrWindowSeconds: number;
    readonly lowLatency: boolean;
  };
  readonly encoding: {
    readonly status: string;
    readonly reason: string | null;
    readonly encoder: string | null;
    readonly node: string;
    readonly source: Readonly<Record<string, unknown>> | null;
  } | null;
  readonly renditions: readonly RenditionView[];
  readonly latency: { readonly segmentMsMedian: number; readonly segmentMsMax: number } | null;
  readonly publishers: readonly PublisherView[];
  readonly failover: { readonly preferred: 'primary' | 'backup'; readonly lastReason: string | null; readonly lastAt: string | null };
  /** Null until it is there. */
  readonly recording: Recording | null;
}

export interface StreamPage {
  readonly items: readonly StreamSummary[];
}

export interface CreatedStream extends StreamSummary {
  readonly streamKey: string;
  readonly ingest: { readonly primary: string; readonly backup: string; readonly securePrimary: string | null };
}

export interface EdgeHealth {
  readonly id: string;
  readonly url: string | null;
  readonly region: string | null;
  /** The region of which it is an edge; null for this one's. */
  readonly mirroredFrom: string | null;
  /** up: reported lately; draining: takes nobody new; silent: used to report; announced: never reported; removed, refused: none of ours. */
  readonly status: 'up' | 'draining' | 'silent' | 'announced' | 'removed' | 'refused';
  /** Why it is drained, removed or refused. */
  readonly reason: string | null;
  /** At its last report. */
  readonly load: {
    readonly bitsPerSecond: number;
    readonly connections: number | null;
    readonly cpu: number | null;
    readonly behindMs: number;
    readonly sharedTier: 'on' | 'away' | 'full' | null;
  } | null;
  readonly bitsPerSecondMax: number | null;
  readonly connectionsMax: number | null;
  /** 0 to 1; null before the first request. */
  readonly hitRatio: number | null;
  readonly requests: number;
  readonly bytesServed: number;
  readonly objects: number;
  readonly memoryBytes: number;
}

export interface CdnHealth {
  readonly status: string;
  readonly hitRatio: number | null;
  readonly edges: readonly EdgeHealth[];
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
  readonly reason: string;
  readonly requestedAt: string | null;
  readonly requestedBy: string | null;
  readonly applied: ReadonlyArray<{ readonly edgeId: string; readonly mirroredFrom: string | null; readonly delayMs: number; readonly objects: number }>;
}

/** What edges were made to fetch before it was asked for. */
export interface WarmView {
  readonly id: string;
  readonly mode: 'fetch' | 'dry-run';
  readonly urls: readonly string[];
  readonly sitemaps: readonly string[];
  readonly total: number;
  readonly reason: string;
  readonly requestedAt: string | null;
  readonly requestedBy: string | null;
  readonly progress: { readonly edges: number; readonly finished: number; readonly failed: number; readonly pending: readonly string[] } | null;
  readonly results: ReadonlyArray<{
    readonly edgeId: string;
    readonly mirroredFrom: string | null;
    readonly present: number;
    readonly fetched: number;
    readonly failed: number;
    readonly bytes: number;
    readonly failures: ReadonlyArray<{ readonly url: string; readonly status: number | null; readonly reason: string }>;
  }>;
}

/** An event as the API shows it: CloudEvents 1.0 JSON. */
export interface FeedEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  readonly actor: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface ProjectionSummary {
  readonly name: string;
  /** The one that readers see. */
  readonly version: number | null;
  readonly codeVersion: number;
  readonly lagEvents: number;
  readonly lagSeconds: number;
  readonly eventsPerSecond: number | null;
  readonly lastError: { readonly code: string; readonly message: string; readonly place: string; readonly eventId: string; readonly at: string | null } | null;
  /** Why it does not move, and the way out. */
  readonly trouble: { readonly code: string; readonly message: string } | null;
  /** A build that would lose what the log no longer holds, and waits. */
  readonly heldBack: { readonly id: string; readonly version: number; readonly eventsGone: number } | null;
  /** Predecessors that a roll-back can bring back. */
  readonly kept: number;
}

export interface Replay {
  readonly id: string;
  readonly projection: string;
  readonly mode: 'rebuild' | 'comparison';
  readonly status:
    | 'requested'
    | 'running'
    | 'paused'
    | 'ready'
    | 'promoting'
    | 'promoted'
    | 'rolling-back'
    | 'rolled-back'
    | 'compared'
    | 'cancelled'
    | 'failed';
  readonly version: number | null;
  readonly requestedBy: string | null;
  readonly note: string | null;
  readonly progress: { readonly done: number; readonly total: number; readonly eventsPerSecond: number; readonly etaMs: number | null } | null;
  /** Events that the log no longer held when it began; null before it is done, and once it is over. */
  readonly eventsGone: number | null;
  /** Readers see it now. */
  readonly serves: boolean;
}

export interface RowDifference {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly key: Readonly<Record<string, unknown>>;
  readonly columns: Readonly<Record<string, { readonly serving: unknown; readonly rebuilt: unknown }>>;
}

/** Between the rows that serve and those that were built beside them. */
export interface ModelDifference {
  readonly equal: boolean;
  readonly tables: ReadonlyArray<{
    readonly table: string;
    readonly serving: number;
    readonly rebuilt: number;
    readonly added: number;
    readonly removed: number;
    readonly changed: number;
    readonly changedColumns: Readonly<Record<string, number>>;
    readonly servingDigest: string;
    readonly rebuiltDigest: string;
    readonly samples: readonly RowDifference[];
    /** Samples that are not for this key. */
    readonly withheld: number;
  }>;
}

export interface ReplayDetail extends Replay {
  readonly difference: ModelDifference | null;
}

export interface ParkedSummary {
  readonly id: string;
  readonly state: string;
  /** `*` when nobody can read it. */
  readonly consumer: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly parkedAt: string | null;
  readonly stateNote: string | null;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  /** Events of its tenant and key that wait behind it. */
  readonly held: number;
  /** Whose they are; null when every tenant's wait. */
  readonly tenant: string | null;
}

export interface ParkedDetail extends ParkedSummary {
  readonly stack: string;
  readonly key: string | null;
  readonly waiting: ReadonlyArray<{ readonly offset: string; readonly eventType: string }>;
}
