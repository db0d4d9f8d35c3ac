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
  readonly playback: { readonly hls: string };
}

export interface StartedStream extends StreamSummary {
  readonly streamKey: string;
  readonly ingest: { readonly primary: string; readonly backup: string };
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
  readonly applied: ReadonlyArray<{ readonly edgeId: string; readonly objects: number; readonly delayMs: number }>;
}

export interface CdnHealth {
  readonly status: string;
  readonly edges: ReadonlyArray<{ readonly id: string; readonly status: string }>;
}
