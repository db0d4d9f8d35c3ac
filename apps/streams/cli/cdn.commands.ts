import { pause } from '#runtime';
import type { CdnHealth, PurgeView } from '../client/api.types.ts';
import { ApiFailure } from '../client/api-client.ts';
import { PlainFailure } from '../streams.errors.ts';
import type { CommandContext } from './context.ts';

const pollMs = 100;
/** A region that is there needs less; nobody waits for one that is not. */
const awayMs = 500;

export interface PurgeOptions {
  readonly prefixes?: readonly string[];
  readonly tags?: readonly string[];
  readonly patterns?: readonly string[];
  readonly hosts?: readonly string[];
  readonly zones?: readonly string[];
  readonly all?: boolean;
  readonly soft?: boolean;
  readonly dryRun?: boolean;
  readonly idempotencyKey?: string;
  readonly wait: boolean;
  readonly timeout: number;
  readonly reason?: string;
}

function bodyOf(urls: readonly string[], { prefixes, tags, patterns, hosts, zones, all, soft, dryRun, reason }: PurgeOptions): object {
  const asked = {
    ...{ urls, prefixes, tags, patterns: patterns?.map((pattern) => ({ pattern })), hosts, zones, all, reason },
    ...{ dryRun, mode: soft === true ? 'soft' : undefined },
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

/**
 * Requests a purge and waits until every edge of this region that is up has applied it; those of other regions are named.
 * Of a dry run it says what the edges have answered by then.
 */
export async function purge({ api, print }: CommandContext, urls: readonly string[], options: PurgeOptions): Promise<void> {
  const headers = options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey };
  const { purgeId } = await api.call<{ readonly purgeId: string }>('POST', '/api/v1/cdn/cache/purge', bodyOf(urls, options), headers);
  if (!options.wait) return print({ purgeId }, () => [`Purge ${purgeId} is requested.`]);
  const health = await api.call<CdnHealth>('GET', '/api/v1/cdn/health');
  // One that drains still serves those that come.
  const up = health.edges.filter(({ status }) => status === 'up' || status === 'draining');
  const edges = up.filter(({ mirroredFrom }) => mirroredFrom === null).map(({ id }) => id);
  const [begun, timeoutMs] = [performance.now(), options.timeout * 1000];
  for (;;) {
    // A new purge has no row before the projector has seen it.
    const view = await api.call<PurgeView>('GET', `/api/v1/cdn/purges/${purgeId}`).catch((error: unknown) => {
      if (error instanceof ApiFailure && error.status === 404) return undefined;
      throw error;
    });
    const applied = view?.applied ?? [];
    const missing = edges.filter((id) => !applied.some((one) => one.edgeId === id && one.mirroredFrom === null));
    const away = up.filter(({ id, mirroredFrom }) => mirroredFrom !== null && !applied.some((one) => one.edgeId === id && one.mirroredFrom === mirroredFrom));
    const waitedMs = performance.now() - begun;
    if (missing.length === 0 && (away.length === 0 || waitedMs > Math.min(awayMs, timeoutMs))) {
      const notWaitedFor = away.map(({ id, mirroredFrom: region }) => ({ edgeId: id, region }));
      return print({ ...(view ?? { purgeId, applied }), notWaitedFor }, () => purgeLines({ purgeId, edges, applied, away, dryRun: options.dryRun === true }));
    }
    if (missing.length > 0 && waitedMs > timeoutMs && options.dryRun === true)
      return print(view ?? { purgeId, applied }, () => [
        ...purgeLines({ purgeId, edges, applied, dryRun: true }),
        ...missing.map((id) => `  ${id}: has not answered`),
      ]);
    if (missing.length > 0 && waitedMs > timeoutMs)
      throw new PlainFailure(
        `Purge ${purgeId} is on the log, but ${missing.join(', ')} did not apply it within ${options.timeout} s; it will when it is back.`,
      );
    await pause(pollMs);
  }
}

export interface PurgeOutcome {
  readonly purgeId: string;
  /** The edges that are waited for. */
  readonly edges: readonly string[];
  readonly applied: PurgeView['applied'];
  readonly away?: ReadonlyArray<{ readonly id: string; readonly mirroredFrom: string | null }>;
  readonly dryRun?: boolean;
}

/** What became of a purge that no edge of `edges` has still to apply. */
export function purgeLines({ purgeId, edges, applied, away = [], dryRun = false }: PurgeOutcome): readonly string[] {
  const head = edges.length === 0 ? 'on the log. No edge is up: each applies it before it serves again.' : 'applied.';
  const done = dryRun ? 'objects would be forgotten, counted' : 'objects forgotten';
  return [
    dryRun ? `Nothing is purged. ${purgeId} only counts:` : `Purge ${purgeId} is ${head}`,
    ...applied.map((one) => `  ${one.edgeId}${ofRegion(one)}: ${one.objects} ${done} after ${one.delayMs} ms`),
    ...away.map(
      ({ id, mirroredFrom: region }) => `  ${id}${ofRegion({ mirroredFrom: region })}: not waited for; it applies it when the region ${region} hears of it`,
    ),
  ];
}

function ofRegion({ mirroredFrom }: { readonly mirroredFrom: string | null }): string {
  return mirroredFrom === null ? '' : ` of ${mirroredFrom}`;
}
