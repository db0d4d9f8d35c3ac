import { logSealingEnded, logSealingRequested, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';

export type SealingCommand =
  | { readonly type: 'RequestSealing'; readonly sealingId: string; readonly olderThanMs: number; readonly reason: string }
  | { readonly type: 'EndSealing'; readonly result: SealingResult };

/** What a sealing came to; sizes in bytes. */
export interface SealingResult {
  readonly segments: number;
  readonly records: number;
  readonly sizeBytes: number;
  readonly rawBytes: number;
  /** Partitions that could not be sealed. */
  readonly failures: number;
}

export type SealingDraft = DraftOf<typeof logSealingRequested> | DraftOf<typeof logSealingEnded>;

export interface KnownSealing {
  readonly sealing: 'open' | 'ended';
  readonly sealingId: string;
  readonly olderThanMs: number;
  readonly result: SealingResult | null;
}

export type SealingState = { readonly sealing: 'absent' } | KnownSealing;

function decide(command: SealingCommand, state: SealingState): Decision<SealingDraft> {
  if (command.type === 'RequestSealing') {
    const { sealingId, olderThanMs, reason } = command;
    if (state.sealing !== 'absent') return refuse('sealing-exists', `There is a sealing ${sealingId} already.`);
    return accept<SealingDraft>(logSealingRequested.draft({ sealingId, olderThanMs, reason }));
  }
  if (state.sealing === 'absent') return refuse('unknown-sealing', 'There is no such sealing.');
  return state.sealing === 'ended' ? accept<SealingDraft>() : accept<SealingDraft>(logSealingEnded.draft({ sealingId: state.sealingId, ...command.result }));
}

function evolve(state: SealingState, event: SealingDraft): SealingState {
  if (event.type === logSealingRequested.type) {
    const { sealingId, olderThanMs } = event.data;
    return { sealing: 'open', sealingId, olderThanMs, result: null };
  }
  const { sealingId, ...result } = event.data;
  return state.sealing === 'absent' ? state : { ...state, sealingId, sealing: 'ended', result };
}

/** An order to seal what is older than so long, whatever the settings say. */
export const sealingDecider: Decider<SealingState, SealingCommand, SealingDraft> = { initialState: { sealing: 'absent' }, decide, evolve };

export const sealingAggregate = { context: 'operation', decider: sealingDecider } as const;
