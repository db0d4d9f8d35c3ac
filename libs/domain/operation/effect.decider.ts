import { effectRetryRequested, reactorReset, type DraftOf } from '#events';
import { accept, type Decider } from '#kernel';

export interface RequestEffectRetry {
  readonly type: 'RequestEffectRetry';
  readonly effectKey: string;
  readonly reason: string;
}

export type EffectRetryDraft = DraftOf<typeof effectRetryRequested>;

/** How often somebody asked. */
export interface EffectRetryState {
  readonly retries: number;
}

/** Whether there is such an effect, the ledger of effects knows; asking for one that is under way changes little. */
export const effectRetryDecider: Decider<EffectRetryState, RequestEffectRetry, EffectRetryDraft> = {
  initialState: { retries: 0 },
  decide: ({ effectKey, reason }) => accept<EffectRetryDraft>(effectRetryRequested.draft({ effectKey, reason })),
  evolve: ({ retries }) => ({ retries: retries + 1 }),
};

export const effectRetryAggregate = { context: 'operation', decider: effectRetryDecider } as const;

export interface ResetReactor {
  readonly type: 'ResetReactor';
  readonly reactor: string;
  /** A number is a time of record, ms since the Unix epoch. */
  readonly from: 'beginning' | 'end' | number;
  readonly reason: string;
}

export type ReactorResetDraft = DraftOf<typeof reactorReset>;

/** The last reset that was ordered; the hosts of the reactor carry it out. */
export interface ReactorState {
  readonly number: number;
  readonly from: 'beginning' | 'end' | 'time';
  readonly fromMs: number | null;
}

export const reactorDecider: Decider<ReactorState, ResetReactor, ReactorResetDraft> = {
  initialState: { number: 0, from: 'end', fromMs: null },
  decide: ({ reactor, from, reason }, { number }) => {
    const place = typeof from === 'number' ? ({ from: 'time', fromMs: from } as const) : { from, fromMs: null };
    return accept<ReactorResetDraft>(reactorReset.draft({ reactor, number: number + 1, ...place, reason }));
  },
  evolve: (_, { data: { number, from, fromMs } }) => ({ number, from, fromMs }),
};

export const reactorAggregate = { context: 'operation', decider: reactorDecider } as const;
