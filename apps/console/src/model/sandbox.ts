import type { ReadTable } from './rows.ts';

export interface Sandbox {
  readonly name: string;
  readonly id: string;
  readonly status: 'building' | 'ready' | 'failed' | 'dropping' | 'dropped';
  readonly projections: readonly string[];
  readonly from: string | null;
  readonly until: string;
  readonly expiresAt: string;
  readonly reason: string;
  readonly createdBy: string | null;
  /** Why it failed, why it is being dropped, or why it is built a second time. */
  readonly note: string | null;
  /** Events that the log no longer held when it was built; null until it is ready. */
  readonly eventsGone: number | null;
  readonly progress: ReadonlyArray<{ readonly projection: string; readonly done: number; readonly total: number; readonly eventsPerSecond: number }>;
}

export interface SandboxDraft {
  readonly name: string;
  readonly from: string;
  readonly until: string;
  /** None are all of them. */
  readonly projections: readonly string[];
  readonly expiresInHours: string;
  readonly reason: string;
}

export const emptyDraft: SandboxDraft = { name: '', from: '', until: '', projections: [], expiresInHours: '', reason: '' };

/** What is left out stays out: the API has the defaults. */
export function orderOf({ name, from, until, projections, expiresInHours, reason }: SandboxDraft): object {
  return {
    name,
    ...(from === '' ? {} : { from }),
    ...(until === '' ? {} : { until }),
    ...(projections.length === 0 ? {} : { projections }),
    ...(expiresInHours === '' ? {} : { expiresInHours: Number(expiresInHours) }),
    ...(reason === '' ? {} : { reason }),
  };
}

/** Of all its read models together, 0 to 1; those not begun count as nothing done. */
export function shareDone({ progress, projections }: Sandbox): number {
  const shares = progress.map(({ done, total }) => (total === 0 ? 1 : done / total));
  return projections.length === 0 ? 0 : shares.reduce((sum, share) => sum + share, 0) / projections.length;
}

/** `#/sandboxes/NAME/TABLE`. */
export function placeOf(route: string): { readonly name: string | undefined; readonly table: string | undefined } {
  const [, name, table] = route.split('/').map(decodeURIComponent);
  return { name: name === '' ? undefined : name, table: table === '' ? undefined : table };
}

/** The tables of its read models. */
export function tablesOf({ projections }: Sandbox, tables: readonly ReadTable[]): readonly ReadTable[] {
  return tables.filter(({ projection }) => projections.includes(projection));
}
