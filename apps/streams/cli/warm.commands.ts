import { pause } from '#runtime';
import { readFile } from 'node:fs/promises';
import { PlainFailure } from '../streams.errors.ts';
import type { CommandContext } from './context.ts';

export interface WarmOptions {
  readonly file?: string;
  readonly sitemaps?: readonly string[];
  readonly regions?: readonly string[];
  readonly top?: number;
  readonly ofRegion?: string;
  readonly edges?: readonly string[];
  readonly rate?: number;
  readonly dryRun?: boolean;
  readonly idempotencyKey?: string;
  readonly wait: boolean;
  readonly timeout: number;
  readonly reason?: string;
}

interface WarmView {
  readonly progress: { readonly edges: number; readonly finished: number; readonly pending: readonly string[] } | null;
  readonly results: ReadonlyArray<{
    readonly edgeId: string;
    readonly urls: number;
    readonly present: number;
    readonly fetched: number;
    readonly failed: number;
    readonly bytes: number;
    readonly failures: ReadonlyArray<{ readonly url: string; readonly status: number | null; readonly reason: string }>;
  }>;
}

const pollMs = 250;

/** Whose favourites are meant: the region's whose edges fetch them, unless another is named. */
function favourites({ ofRegion, regions = [], top }: WarmOptions): string | undefined {
  if (ofRegion !== undefined && top === undefined) throw new PlainFailure('--of-region says whose favourites --top means: say how many, as --top 500.');
  if (top === undefined || ofRegion !== undefined) return ofRegion;
  if (regions.length > 1) throw new PlainFailure('--top means the favourites of one region: name it by --of-region.');
  return regions[0];
}

/** Makes edges fetch URLs, and shows how far each has come. */
export async function warm({ api, print }: CommandContext, urls: readonly string[], options: WarmOptions): Promise<void> {
  const listed = options.file === undefined ? [] : (await readFile(options.file, 'utf8')).split('\n').map((line) => line.trim());
  const { dryRun, edges, rate: perSecond, reason, regions, sitemaps, top } = options;
  const named = [...urls, ...listed.filter((line) => line !== '' && !line.startsWith('#'))];
  const asked = { urls: named, sitemaps, top, region: favourites(options), regions, edges, perSecond, dryRun, reason };
  const headers = options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey };
  const { warmId } = await api.call<{ readonly warmId: string }>('POST', '/api/v1/cdn/warm', asked, headers);
  if (!options.wait) return print({ warmId }, () => [`Warming ${warmId} is requested.`]);
  const untilMs = performance.now() + options.timeout * 1000;
  for (;;) {
    const view = await api.call<WarmView>('GET', `/api/v1/cdn/warms/${warmId}`);
    if (view.progress !== null && view.progress.pending.length === 0) {
      print(view, () => warmLines(warmId, view, dryRun === true));
      return requireWarmed(warmId, view);
    }
    if (performance.now() > untilMs) {
      const who = view.progress?.pending.join(', ') ?? 'nobody knows who';
      throw new PlainFailure(`Warming ${warmId} goes on: ${who} did not finish within ${options.timeout} s.`);
    }
    await pause(pollMs);
  }
}

/** @throws PlainFailure where something is not at the edges now that should be */
function requireWarmed(warmId: string, { results }: WarmView): void {
  if (results.length === 0) throw new PlainFailure(`Nothing was warmed: no edge that ${warmId} is for is up.`);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  if (failed > 0) throw new PlainFailure(`${failed} failed. What and why: GET /api/v1/cdn/warms/${warmId}`);
}

/** Of an edge's failures. */
const failuresShown = 10;

function failureLines({ failed, failures }: WarmView['results'][number]): readonly string[] {
  const shown = failures.slice(0, failuresShown).map(({ reason, url }) => `    ${url}: ${reason}`);
  return failed > shown.length ? [...shown, `    … and ${failed - shown.length} more`] : shown;
}

/** What became of a warming on each edge. */
export function warmLines(warmId: string, { results }: WarmView, dryRun: boolean): readonly string[] {
  if (results.length === 0) return [`Warming ${warmId} is on the log.`];
  const fetched = dryRun ? 'would be fetched' : 'fetched';
  return [
    dryRun ? `Nothing is fetched. ${warmId} only looks:` : `Warming ${warmId} is done.`,
    ...results.flatMap((one) => [
      `  ${one.edgeId}: ${one.urls} URLs: ${one.present} there already, ${one.fetched} ${fetched} (${(one.bytes / 1e6).toFixed(1)} MB), ${one.failed} failed`,
      ...failureLines(one),
    ]),
  ];
}
