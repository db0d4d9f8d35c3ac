import { seesTenant, type Principal } from '#domain/access';
import { purgeAggregate, purgeApplicationTable, purgeTable, type PurgeState } from '#domain/cache';
import type { PurgeSelector } from '#events';
import type { AggregateStore, ReadCondition, ReadRow, ReadStore } from '#ports';
import { isoTime } from '../http/fields.ts';
import { newestPage } from '../http/newest-page.ts';
import { notFound } from '../http/problem.errors.ts';
import { confinement } from '../watch/read-models.ts';
import { mirroredFrom, type CdnHealth } from './edge-health.view.ts';
import type { EdgeReader } from './edge-reader.ts';
import { purgeProgressOf, type PurgeProgress } from './purge-progress.view.ts';

const rowsMax = 10_000;

export interface PurgeView {
  readonly id: string;
  readonly mode: 'hard' | 'soft' | 'dry-run';
  readonly urls: readonly string[];
  readonly selectors: readonly PurgeSelector[];
  readonly total: number;
  readonly progress: PurgeProgress | null;
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

/** Reads purges, and how far edges are with them. */
export class CdnReader {
  readonly #reads: ReadStore;
  readonly #now: { readonly aggregates: AggregateStore; readonly edges: EdgeReader } | undefined;

  /** @param now left out where rows are not those of now: heads are, and edges */
  constructor(reads: ReadStore, now?: { readonly aggregates: AggregateStore; readonly edges: EdgeReader }) {
    this.#reads = reads;
    this.#now = now;
  }

  /** A purge, from the moment it was asked for; undefined when nobody asked whom the principal may see. */
  async purge(id: string, principal: Principal): Promise<PurgeView | undefined> {
    const where: ReadCondition[] = [{ column: 'purge_id', is: 'eq', value: id }];
    const [[row], applied] = await Promise.all([this.#reads.select(purgeTable, { where, limit: 1 }), this.#applied(id)]);
    if (row === undefined || row['requested_at_ms'] === null) return this.#freshPurge(id, principal);
    if (!seesTenant(principal, String(row['tenant']))) return undefined;
    return purgeViewOf(row, applied, await this.#edges());
  }

  /** Purges of what the principal may see, the newest first. */
  async page(query: { readonly limit: number; readonly cursor?: string | undefined }, principal: Principal): Promise<PurgePage> {
    const { rows, nextCursor } = await newestPage(this.#reads, purgeTable, { ...query, by: 'requested_at_ms', where: confinement(principal) });
    const edges = rows.length === 0 ? undefined : await this.#edges();
    const items = await Promise.all(rows.map(async (row) => purgeViewOf(row, await this.#applied(String(row['purge_id'])), edges)));
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
    const head = await this.#now?.aggregates.load(purgeAggregate.context, id);
    const state = head?.state as PurgeState | undefined;
    if (head === undefined || state === undefined || state.status === 'absent' || !seesTenant(principal, head.tenant)) return undefined;
    const { urls, selectors = [], total = urls.length, reason, soft, dryRun } = state;
    const mode = dryRun === true ? 'dry-run' : soft === true ? 'soft' : 'hard';
    const progress = purgeProgressOf([], (await this.#edges()) ?? []);
    return { id, mode, urls, selectors, total, progress, reason, requestedAt: null, requestedBy: null, applied: [] };
  }

  /** Who is up now; of a moment of the past nobody can tell. */
  async #edges(): Promise<CdnHealth['edges'] | undefined> {
    return (await this.#now?.edges.health())?.edges;
  }
}

function purgeViewOf(row: ReadRow, rows: readonly ReadRow[], edges: CdnHealth['edges'] | undefined): PurgeView {
  const requestedAtMs = Number(row['requested_at_ms']);
  const applied = rows.map((each) => ({
    edgeId: String(each['edge_id']),
    mirroredFrom: mirroredFrom(each),
    objects: Number(each['objects']),
    appliedAt: isoTime(each['applied_at_ms'] as bigint),
    // Two machines' clocks: what was applied before it was asked for took no time.
    delayMs: Math.max(0, Number(each['applied_at_ms']) - requestedAtMs),
  }));
  return {
    id: String(row['purge_id']),
    mode: row['mode'] as PurgeView['mode'],
    urls: row['urls'] as string[],
    selectors: (row['selectors'] as string[]).map((text) => JSON.parse(text) as PurgeSelector),
    total: Number(row['total']),
    progress: edges === undefined ? null : purgeProgressOf(applied, edges),
    reason: String(row['reason']),
    requestedAt: isoTime(requestedAtMs),
    requestedBy: String(row['requested_by']),
    applied,
  };
}
