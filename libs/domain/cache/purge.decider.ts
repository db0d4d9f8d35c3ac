import { purgeCountRequested, purgePartMax, purgeRequested, type DraftOf, type PurgeSelector } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';
import { purgeDigest } from './purge-digest.core.ts';
import { purgeSelectorProblem, purgeTargetProblem } from './purge-target.core.ts';

/** What is to be purged, and how. */
export interface PurgeOrder {
  readonly urls: readonly string[];
  readonly selectors?: readonly PurgeSelector[];
  readonly soft?: boolean;
  /** Edges only count what it would hit. */
  readonly dryRun?: boolean;
  readonly reason: string;
}

export interface RequestPurge extends PurgeOrder {
  readonly type: 'RequestPurge';
  readonly purgeId: string;
}

export type PurgeDraft = DraftOf<typeof purgeRequested> | DraftOf<typeof purgeCountRequested>;
export type PurgeState =
  | { readonly status: 'absent' }
  | {
      readonly status: 'requested';
      readonly purgeId: string;
      /** Of its first part. */
      readonly urls: readonly string[];
      readonly selectors?: readonly PurgeSelector[];
      readonly soft?: boolean;
      readonly dryRun?: boolean;
      readonly reason: string;
      /** URLs and selectors of all parts; heads of older versions do not say. */
      readonly total?: number;
      /** Of all parts: the same purge has the same one. */
      readonly digest?: string;
    };

/** URLs and selectors of one purge. */
export const purgeTargetsMax = 10_000;
/** Of one event, characters: it must fit a record of the log in any encoding. */
const partCharsMax = 200_000;

type Target = { readonly url: string } | { readonly selector: PurgeSelector };

function sizeOf(target: Target): number {
  return 'url' in target ? target.url.length + 3 : target.selector.value.length + 400;
}

/** A purge of many is several events of one partition, in their order. */
function partsOf({ purgeId, urls, selectors = [], soft = false, dryRun = false, reason }: RequestPurge): PurgeDraft[] {
  const parts: Target[][] = [[]];
  let chars = 0;
  for (const target of [...urls.map((url) => ({ url })), ...selectors.map((selector) => ({ selector }))]) {
    const size = sizeOf(target);
    if ((parts.at(-1) as Target[]).length >= purgePartMax || chars + size > partCharsMax) {
      parts.push([]);
      chars = 0;
    }
    (parts.at(-1) as Target[]).push(target);
    chars += size;
  }
  const total = urls.length + selectors.length;
  return parts.map((targets, part) => {
    const chosen = targets.flatMap((target) => ('selector' in target ? [target.selector] : []));
    const data = {
      purgeId,
      urls: targets.flatMap((target) => ('url' in target ? [target.url] : [])),
      ...(chosen.length > 0 ? { selectors: chosen } : {}),
      ...(parts.length > 1 ? { part, parts: parts.length, total } : {}),
      reason,
    };
    return dryRun ? purgeCountRequested.draft(data) : purgeRequested.draft(soft ? { ...data, soft } : data);
  });
}

function problemOf({ urls, selectors = [] }: PurgeOrder): string | undefined {
  const total = urls.length + selectors.length;
  if (total < 1 || total > purgeTargetsMax) return `urls: A purge names 1 to ${purgeTargetsMax} URLs or other targets.`;
  for (const [at, url] of urls.entries()) {
    const problem = purgeTargetProblem(url);
    if (problem !== undefined) return `urls.${at}: ${problem}`;
  }
  for (const [at, selector] of selectors.entries()) {
    const problem = purgeSelectorProblem(selector);
    if (problem !== undefined) return `selectors.${at}: ${problem}`;
  }
  return undefined;
}

function evolve(state: PurgeState, event: PurgeDraft): PurgeState {
  const dryRun = event.type === purgeCountRequested.type;
  const soft = event.type === purgeRequested.type && event.data.soft === true;
  const { purgeId, urls, selectors, reason, total = urls.length + (selectors?.length ?? 0), part = 0 } = event.data;
  const digested = { urls, selectors, soft, dryRun, reason };
  if (state.status === 'requested' && part > 0) return { ...state, digest: purgeDigest(digested, state.digest) };
  const kinds = { ...(selectors === undefined ? {} : { selectors }), ...(soft ? { soft } : {}), ...(dryRun ? { dryRun } : {}) };
  return { status: 'requested', purgeId, urls, ...kinds, reason, total, digest: purgeDigest(digested) };
}

function isSame(command: RequestPurge, state: PurgeState & { status: 'requested' }): boolean {
  const again = partsOf(command).reduce<PurgeState>(evolve, { status: 'absent' });
  const digest = state.digest ?? purgeDigest(state);
  return again.status === 'requested' && again.digest === digest;
}

function decide(command: RequestPurge, state: PurgeState): Decision<PurgeDraft> {
  // The id is the caller's: the same purge asked for twice is one purge.
  if (state.status === 'requested') {
    return isSame(command, state) ? accept<PurgeDraft>() : refuse('another-purge', 'urls: Another purge was asked for under this id.');
  }
  const problem = problemOf(command);
  if (problem !== undefined) return refuse('invalid-urls', problem);
  return accept(...partsOf(command));
}

export const purgeDecider: Decider<PurgeState, RequestPurge, PurgeDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const purgeAggregate = { context: 'cache', decider: purgeDecider } as const;
