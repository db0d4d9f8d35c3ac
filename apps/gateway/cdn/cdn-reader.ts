import { seesTenant, type Principal } from '#domain/access';
import { purgeAggregate, purgeApplicationTable, purgeTable, type PurgeState } from '#domain/cache';
import { edgeCountersTable, edgeTable } from '#domain/edge';
import type { AggregateStore, Clock, ReadCondition, ReadRow, ReadStore } from '#ports';
import { isoTime } from '../http/fields.ts';
import { newestPage } from '../http/newest-page.ts';
import { notFound } from '../http/problem.errors.ts';
import { confinement } from '../watch/read-models.ts';
import { cdnHealthOf, mirroredFrom, type CdnHealth } from './edge-health.view.ts';

const rowsMax = 10_000;

export interface PurgeView {
  readonly id: string;
  readonly urls: readonly string[];
  readonly reason: string;
  readonly requestedAt: string | null;
  readonly requestedBy: string | null;
  readonly applied: ReadonlyArray<{
    readonly edgeId: string;
    readonly mirroredFrom: string | null;
    readonly objects: number;
    readonly appliedAt: string | null;
    readonly delayMs: number;
  }>;
}

export interface PurgePage {
  readonly items: readonly PurgeView[];
  readonly nextCursor: string | null;
}

/** Reads purges and edges. */
export class CdnReader {
  readonly #reads: ReadStore;
  readonly #aggregates: AggregateStore | undefined;
  readonly #clock: Clock;

  /** @param aggregates left out where rows are not those of now: heads are */
  constructor(reads: ReadStore, clock: Clock, aggregates?: AggregateStore) {
    this.#reads = reads;
    this.#aggregates = aggregates;
    this.#clock = clock;
  }

  /** A purge, from the moment it was asked for; undefined when nobody asked whom the principal may see. */
  async purge(id: string, principal: Principal): Promise<PurgeView | undefined> {
    const where: ReadCondition[] = [{ column: 'purge_id', is: 'eq', value: id }];
    const [[row], applied] = await Promise.all([this.#reads.select(purgeTable, { where, limit: 1 }), this.#applied(id)]);
    if (row === undefined || row['requested_at_ms'] === null) return this.#freshPurge(id, principal);
    if (!seesTenant(principal, String(row['tenant']))) return undefined;
    return purgeViewOf(row, applied);
  }

  /** Purges of what the principal may see, the newest first. */
  async page(query: { readonly limit: number; readonly cursor?: string | undefined }, principal: Principal): Promise<PurgePage> {
    const { rows, nextCursor } = await newestPage(this.#reads, purgeTable, { ...query, by: 'requested_at_ms', where: confinement(principal) });
    const items = await Promise.all(rows.map(async (row) => purgeViewOf(row, await this.#applied(String(row['purge_id'])))));
    return { items, nextCursor };
  }

  #applied(purgeId: string): Promise<readonly ReadRow[]> {
    const where: ReadCondition[] = [{ column: 'purge_id', is: 'eq', value: purgeId }];
    return this.#reads.select(purgeApplicationTable, { where, orderBy: [{ column: 'edge_id' }, { column: 'origin' }], limit: rowsMax });
  }

  /** @throws ProblemError 404 */
  async existing(id: string, principal: Principal): Promise<PurgeView> {
    const purge = await this.purge(id, principal);
    if (purge === undefined) throw notFound('unknown-purge', `There is no purge ${id}.`);
    return purge;
  }

  async #freshPurge(id: string, principal: Principal): Promise<PurgeView | undefined> {
    const head = await this.#aggregates?.load(purgeAggregate.context, id);
    const state = head?.state as PurgeState | undefined;
    if (head === undefined || state === undefined || state.status === 'absent' || !seesTenant(principal, head.tenant)) return undefined;
    return { id, urls: state.urls, reason: state.reason, requestedAt: null, requestedBy: null, applied: [] };
  }

  async health(): Promise<CdnHealth> {
    const [edges, counters] = await Promise.all([
      this.#reads.select(edgeTable, { limit: rowsMax }),
      this.#reads.select(edgeCountersTable, { orderBy: [{ column: 'incarnation', descending: true }], limit: rowsMax }),
    ]);
    return cdnHealthOf(edges, counters, this.#clock.now());
  }
}

function purgeViewOf(row: ReadRow, applied: readonly ReadRow[]): PurgeView {
  const requestedAtMs = Number(row['requested_at_ms']);
  return {
    id: String(row['purge_id']),
    urls: row['urls'] as string[],
    reason: String(row['reason']),
    requestedAt: isoTime(requestedAtMs),
    requestedBy: String(row['requested_by']),
    applied: applied.map((each) => ({
      edgeId: String(each['edge_id']),
      mirroredFrom: mirroredFrom(each),
      objects: Number(each['objects']),
      appliedAt: isoTime(each['applied_at_ms'] as bigint),
      // Two machines' clocks: what was applied before it was asked for took no time.
      delayMs: Math.max(0, Number(each['applied_at_ms']) - requestedAtMs),
    })),
  };
}
