/** One of a list that the API shows: of each kind the fields that tests ask for. */
export interface ItemBody {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string;
  readonly actor: string;
  readonly tenant: string;
  readonly address: string;
  readonly topic: string;
  readonly code: string;
  readonly field: string;
  readonly eventId: string;
  readonly table: string;
}

/** An event, as it is read or as its publication is answered. */
export interface EventBody extends ItemBody {
  readonly subject: string;
  readonly traceparent: string;
  readonly partitionkey: string;
  readonly streamversion: string;
  readonly partition: number;
  readonly offset: string;
  readonly duplicate: boolean;
  readonly data: Readonly<Record<string, string>>;
}

interface TrafficFigures {
  readonly requests: number;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

/**
 * The body of an answer, of whichever operation: every field that a test asks for, by its type. One that an answer does not have
 * is undefined, and no expectation holds of it.
 */
export interface AnswerBody extends ItemBody {
  readonly alreadyErased: boolean;
  readonly totals: TrafficFigures;
  readonly groups: ReadonlyArray<{ readonly group: string; readonly name: string; readonly figures: TrafficFigures }>;
  readonly points: ReadonlyArray<{ readonly at: string; readonly group: string; readonly figures: TrafficFigures }>;
  readonly items: readonly EventBody[];
  readonly events: readonly EventBody[];
  readonly detail: string;
  readonly key: string;
  readonly streamKey: string;
  readonly alerts: readonly object[];
  readonly thumbnailUrl: string;
  readonly playback: Readonly<Record<string, string>>;
  readonly settings: { readonly ladder: ReadonlyArray<{ readonly name: string }> };
  readonly renditions: ReadonlyArray<{ readonly name: string; readonly segments: readonly unknown[] }>;
  readonly latency: { readonly segments: number };
  readonly note: string;
  readonly equal: boolean;
  readonly tables: ReadonlyArray<{ readonly table: string }>;
  readonly proof: string;
  readonly event: EventBody;
  readonly nodes: ReadonlyArray<{ readonly parentId: string | null; readonly depth: number }>;
  readonly waiting: readonly unknown[];
  readonly record: unknown;
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly keys: ReadonlyArray<{ readonly keyId: string; readonly tenant: string; readonly erasedAt: string | null }>;
  /** Of a person in personal data: what stands for them. */
  readonly subject: string;
  readonly masterKey: string;
  readonly kept: readonly object[];
  readonly live: number;
  readonly byMasterKey: Readonly<Record<string, number>>;
  readonly progress: { readonly total: number };
  readonly purgeId: string;
  readonly requestedAt: string;
  readonly applied: readonly unknown[];
  readonly edges: readonly unknown[];
  readonly nextAfter: string;
  readonly nextCursor: string | null;
  readonly earliestToken: string;
  readonly firstPublishedAt: string;
  readonly previousUntil: string;
  readonly version: number;
  readonly versions: ReadonlyArray<{ readonly version: number; readonly schema: { readonly $id: string } }>;
  readonly openapi: string;
  readonly paths: Readonly<Record<string, object>>;
  readonly errors: ReadonlyArray<{ readonly field: string; readonly message: string }>;
}
