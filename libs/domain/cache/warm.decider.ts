import { warmPartMax, warmRequested, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';
import { purgeDigest } from './purge-digest.core.ts';
import { purgeTargetProblem } from './purge-target.core.ts';

/** What is to be fetched, where, and how fast. */
export interface WarmOrder {
  readonly urls: readonly string[];
  readonly sitemaps: readonly string[];
  readonly regions: readonly string[];
  readonly edges: readonly string[];
  readonly perSecond: number;
  readonly dryRun: boolean;
  readonly reason: string;
}

export interface RequestWarm extends WarmOrder {
  readonly type: 'RequestWarm';
  readonly warmId: string;
}

export type WarmDraft = DraftOf<typeof warmRequested>;
export type WarmState =
  | { readonly status: 'absent' }
  | { readonly status: 'warming'; readonly warmId: string; readonly total: number; readonly dryRun: boolean; readonly digest: string };

/** URLs of one warming. */
export const warmUrlsMax = 10_000;
/** Of one event, characters: it must fit a record of the log in any encoding. */
const partCharsMax = 200_000;

function partsOf({ warmId, urls, sitemaps, regions, edges, perSecond, dryRun, reason }: RequestWarm): WarmDraft[] {
  const parts: string[][] = [[]];
  let chars = 0;
  for (const url of urls) {
    if ((parts.at(-1) as string[]).length >= warmPartMax || chars + url.length > partCharsMax) {
      parts.push([]);
      chars = 0;
    }
    (parts.at(-1) as string[]).push(url);
    chars += url.length + 3;
  }
  const common = { warmId, regions: [...regions], edges: [...edges], perSecond, dryRun, total: urls.length, reason };
  return parts.map((some, part) => warmRequested.draft({ ...common, urls: some, sitemaps: part === 0 ? [...sitemaps] : [], part, parts: parts.length }));
}

function problemOf({ sitemaps, urls }: WarmOrder): string | undefined {
  if (urls.length + sitemaps.length < 1 || urls.length > warmUrlsMax) return `urls: A warming names 1 to ${warmUrlsMax} URLs, or a sitemap.`;
  for (const [at, url] of urls.entries()) {
    const problem = purgeTargetProblem(url);
    if (problem !== undefined) return `urls.${at}: ${problem}`;
  }
  for (const [at, url] of sitemaps.entries()) {
    const problem = url.startsWith('/') ? 'A sitemap is named by its whole URL.' : purgeTargetProblem(url);
    if (problem !== undefined) return `sitemaps.${at}: ${problem}`;
  }
  return undefined;
}

function evolve(state: WarmState, { data }: WarmDraft): WarmState {
  const { dryRun, edges, part, perSecond, reason, regions, sitemaps, total, urls, warmId } = data;
  const before = state.status === 'warming' && part > 0 ? state.digest : '';
  const rest = JSON.stringify([sitemaps, regions, edges, perSecond, reason]);
  return { status: 'warming', warmId, total, dryRun, digest: purgeDigest({ urls, dryRun, reason: rest }, before) };
}

function decide(command: RequestWarm, state: WarmState): Decision<WarmDraft> {
  const drafts = partsOf(command);
  // The id is the caller's: the same warming asked for twice is one.
  if (state.status === 'warming') {
    const again = drafts.reduce<WarmState>(evolve, { status: 'absent' });
    const same = again.status === 'warming' && again.digest === state.digest;
    return same ? accept<WarmDraft>() : refuse('another-warming', 'urls: Another warming was asked for under this id.');
  }
  const problem = problemOf(command);
  return problem === undefined ? accept(...drafts) : refuse('invalid-urls', problem);
}

export const warmDecider: Decider<WarmState, RequestWarm, WarmDraft> = { initialState: { status: 'absent' }, decide, evolve };
export const warmAggregate = { context: 'cache', decider: warmDecider } as const;
