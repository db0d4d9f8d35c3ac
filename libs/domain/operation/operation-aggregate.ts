import { ledgerKeyRotated } from '#events';
import { ledgerKeyDecider, type LedgerKeyDraft, type LedgerKeyState } from './ledger-key.decider.ts';
import { replayDecider, type ReplayDraft, type ReplayState } from './replay.decider.ts';

type OperationState = ReplayState | LedgerKeyState;

/** Both kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const operationAggregate = {
  context: 'operation',
  decider: {
    initialState: { status: 'absent' } as OperationState,
    evolve: (state: OperationState, event: ReplayDraft | LedgerKeyDraft): OperationState =>
      event.type === ledgerKeyRotated.type ? ledgerKeyDecider.evolve(state as LedgerKeyState, event) : replayDecider.evolve(state as ReplayState, event),
  },
} as const;
