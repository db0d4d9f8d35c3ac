import { seesTenant, type Principal } from '#domain/access';
import { warmAggregate, warmResultTable, warmTable, type WarmState } from '#domain/cache';
import type { AggregateStore, ReadCondition, ReadRow, ReadStore } from '#ports';
import { isoTime } from '../http/fields.ts';
import { notFound } from '../http/problem.errors.ts';
import { mirroredFrom, type CdnHealth } from './edge-health.view.ts';
import type { EdgeReader } from './edge-reader.ts';

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
    if (isThere && seesTenant(principal, String(row['tenant']))) {
      const results = await this.#reads.select(warmResultTable, { where, orderBy: [{ column: 'edge_id' }, { column: 'origin' }], limit: rowsMax });
      return viewOf(row, results, await this.#edges());
    }
    const fresh = isThere ? undefined : await this.#fresh(id, principal);
    if (fresh === undefined) throw notFound('unknown-warming', `There is no warming ${id}.`);
    return fresh;
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

type Result = ReturnType<typeof resultOf>;

function resultOf(row: ReadRow) {
  const count = (column: string): number => Number(row[column]);
  const region = String(row['region']);
  const counts = { urls: count('urls'), present: count('present'), fetched: count('fetched'), failed: count('failed'), bytes: count('bytes') };
  const finishedAt = isoTime(row['finished_at_ms'] as bigint);
  return { edgeId: String(row['edge_id']), mirroredFrom: mirroredFrom(row), region, ...counts, finishedAt };
}

function viewOf(row: ReadRow, rows: readonly ReadRow[], health: CdnHealth['edges'] | undefined): object {
  const [regions, edges] = [row['regions'] as string[], row['edges'] as string[]];
  const results = rows.map(resultOf);
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
