import { seesTenant, type Principal } from '#domain/access';
import { warmAggregate, warmResultTable, warmTable, type WarmState } from '#domain/cache';
import { edgeAggregate, edgeTable } from '#domain/edge';
import { warmFailuresMax, type DraftOf, type warmFinished } from '#events';
import type { AggregateStore, ReadCondition, ReadRow, ReadStore } from '#ports';
import { isoTime } from '../http/fields.ts';
import { newestPage } from '../http/newest-page.ts';
import { notFound } from '../http/problem.errors.ts';
import { confinement } from '../watch/read-models.ts';
import { mirroredFrom, type CdnHealth } from './edge-health.view.ts';
import type { EdgeReader } from './edge-reader.ts';
import { warmFailuresListed } from './warm.contract.ts';

type WarmFailure = DraftOf<typeof warmFinished>['data']['failures'][number];

const rowsMax = 10_000;

/** Reads warmings. */
export class WarmReader {
  readonly #reads: ReadStore;
  readonly #now: { readonly aggregates: AggregateStore; readonly edges: EdgeReader } | undefined;

  /** @param now left out where rows are not those of now: heads are, and edges */
  constructor(reads: ReadStore, now?: { readonly aggregates: AggregateStore; readonly edges: EdgeReader }) {
    this.#reads = reads;
    this.#now = now;
  }

  /** @throws ProblemError 404, the same for another tenant's */
  async existing(id: string, principal: Principal): Promise<object> {
    const where: ReadCondition[] = [{ column: 'warm_id', is: 'eq', value: id }];
    const [row] = await this.#reads.select(warmTable, { where, limit: 1 });
    const isThere = row !== undefined && row['requested_at_ms'] !== null;
    if (isThere && seesTenant(principal, String(row['tenant']))) return viewOf(row, await this.#results(id), await this.#edges());
    const fresh = isThere ? undefined : await this.#fresh(id, principal);
    if (fresh === undefined) throw notFound('unknown-warming', `There is no warming ${id}.`);
    return fresh;
  }

  /** Warmings of what the principal may see, the newest first; of the failures of each edge the first few. */
  async page(query: { readonly limit: number; readonly cursor?: string | undefined }, principal: Principal): Promise<WarmPage> {
    const { rows, nextCursor } = await newestPage(this.#reads, warmTable, { ...query, by: 'requested_at_ms', where: confinement(principal) });
    const edges = rows.length === 0 ? undefined : await this.#edges();
    const items = await Promise.all(rows.map(async (row) => viewOf(row, await this.#results(String(row['warm_id'])), edges, warmFailuresListed)));
    return { items, nextCursor };
  }

  /** @throws ProblemError 404 for the first edge that there is not: nothing would come of it */
  async requireEdges(ids: readonly string[]): Promise<void> {
    for (const [at, id] of ids.entries()) {
      const where: ReadCondition[] = [{ column: 'edge_id', is: 'eq', value: id }];
      const isKnown =
        (await this.#reads.select(edgeTable, { where, limit: 1 })).length > 0 || (await this.#now?.aggregates.load(edgeAggregate.context, id)) !== undefined;
      if (!isKnown) throw notFound('unknown-edge', `body.edges.${at}: There is no edge ${id}.`);
    }
  }

  #results(id: string): Promise<readonly ReadRow[]> {
    const where: ReadCondition[] = [{ column: 'warm_id', is: 'eq', value: id }];
    return this.#reads.select(warmResultTable, { where, orderBy: [{ column: 'edge_id' }, { column: 'origin' }], limit: rowsMax });
  }

  /** Whether it was asked for, a moment ago included. */
  async knows(id: string): Promise<boolean> {
    return (await this.#now?.aggregates.load(warmAggregate.context, id)) !== undefined;
  }

  /** What was asked for a moment ago: there is no row of it yet. */
  async #fresh(id: string, principal: Principal): Promise<object | undefined> {
    const head = await this.#now?.aggregates.load(warmAggregate.context, id);
    const state = head?.state as WarmState | undefined;
    if (head === undefined || state?.status !== 'warming' || !seesTenant(principal, head.tenant)) return undefined;
    const lists = { urls: [], sitemaps: [], regions: [], edges: [] };
    const mode = state.dryRun ? 'dry-run' : 'fetch';
    return { id, mode, ...lists, total: state.total, reason: '', requestedAt: null, requestedBy: null, progress: null, results: [] };
  }

  /** Who is up now; of a moment of the past nobody can tell. */
  async #edges(): Promise<CdnHealth['edges'] | undefined> {
    return (await this.#now?.edges.health())?.edges;
  }
}

export interface WarmPage {
  readonly items: readonly object[];
  readonly nextCursor: string | null;
}

type Result = ReturnType<typeof resultOf>;

function resultOf(row: ReadRow, failuresMax: number) {
  const count = (column: string): number => Number(row[column]);
  const region = String(row['region']);
  const counts = { urls: count('urls'), present: count('present'), fetched: count('fetched'), failed: count('failed'), bytes: count('bytes') };
  const finishedAt = isoTime(row['finished_at_ms'] as bigint);
  const failures = ((row['failures'] ?? []) as string[]).slice(0, failuresMax).map((text) => JSON.parse(text) as WarmFailure);
  return { edgeId: String(row['edge_id']), mirroredFrom: mirroredFrom(row), region, ...counts, failures, finishedAt };
}

function viewOf(row: ReadRow, rows: readonly ReadRow[], health: CdnHealth['edges'] | undefined, failuresMax = warmFailuresMax): object {
  const [regions, edges] = [row['regions'] as string[], row['edges'] as string[]];
  const results = rows.map((each) => resultOf(each, failuresMax));
  return {
    id: String(row['warm_id']),
    mode: String(row['mode']),
    urls: row['urls'] as string[],
    sitemaps: row['sitemaps'] as string[],
    ...{ regions, edges },
    total: Number(row['total']),
    reason: String(row['reason']),
    requestedAt: isoTime(row['requested_at_ms'] as bigint),
    requestedBy: String(row['requested_by']),
    progress: health === undefined ? null : progressOf(results, health, { regions, edges }),
    results,
  };
}

/** Of the edges of this region: those of others hear of it by the mirror, and are not waited for. */
function progressOf(
  all: readonly Result[],
  health: CdnHealth['edges'],
  chosen: { readonly regions: readonly string[]; readonly edges: readonly string[] },
): object {
  const results = all.filter(({ mirroredFrom: elsewhere }) => elsewhere === null);
  const finished = new Set(results.map(({ edgeId }) => edgeId));
  const isChosen = ({ id, region }: CdnHealth['edges'][number]): boolean =>
    (chosen.regions.length === 0 || chosen.regions.includes(String(region))) && (chosen.edges.length === 0 || chosen.edges.includes(id));
  const pending = health.filter((edge) => edge.mirroredFrom === null && edge.status === 'up' && isChosen(edge) && !finished.has(edge.id)).map(({ id }) => id);
  const sum = (name: 'fetched' | 'present' | 'failed' | 'bytes'): number => results.reduce((total, result) => total + result[name], 0);
  return {
    edges: finished.size + pending.length,
    finished: finished.size,
    ...{ fetched: sum('fetched'), present: sum('present'), failed: sum('failed'), bytes: sum('bytes') },
    pending,
  };
}
