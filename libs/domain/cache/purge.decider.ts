import { purgeRequested, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';
import { purgeTargetProblem } from './purge-target.core.ts';

export interface RequestPurge {
  readonly type: 'RequestPurge';
  readonly purgeId: string;
  readonly urls: readonly string[];
  readonly reason: string;
}

export type PurgeDraft = DraftOf<typeof purgeRequested>;
export type PurgeState =
  | { readonly status: 'absent' }
  | { readonly status: 'requested'; readonly purgeId: string; readonly urls: readonly string[]; readonly reason: string };

export const purgeUrlsMax = 1_000;

function decide(command: RequestPurge, state: PurgeState): Decision<PurgeDraft> {
  // The id is the caller's: the same purge asked for twice is one purge.
  if (state.status === 'requested') return accept<PurgeDraft>();
  if (command.urls.length < 1 || command.urls.length > purgeUrlsMax) return refuse('invalid-urls', `urls: A purge names 1 to ${purgeUrlsMax} URLs.`);
  for (const [at, url] of command.urls.entries()) {
    const problem = purgeTargetProblem(url);
    if (problem !== undefined) return refuse('invalid-urls', `urls.${at}: ${problem}`);
  }
  const { purgeId, reason } = command;
  return accept<PurgeDraft>(purgeRequested.draft({ purgeId, urls: [...command.urls], reason }));
}

function evolve(_state: PurgeState, event: PurgeDraft): PurgeState {
  return { status: 'requested', ...event.data };
}

export const purgeDecider: Decider<PurgeState, RequestPurge, PurgeDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const purgeAggregate = { context: 'cache', decider: purgeDecider } as const;
