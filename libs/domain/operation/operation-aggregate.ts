import { ledgerKeyRotated, logSealingEnded, logSealingRequested } from '#events';
import { ledgerKeyDecider, type LedgerKeyDraft, type LedgerKeyState } from './ledger-key.decider.ts';
import { parkedDecider, parkedEventTypes, type ParkedAggregateState, type ParkedDraft } from './parked.decider.ts';
import { replayDecider, type ReplayDraft, type ReplayState } from './replay.decider.ts';
import { sandboxDecider, type SandboxDraft, type SandboxState } from './sandbox.decider.ts';
import { sandboxEventTypes } from './sandbox-event-types.ts';
import { sealingDecider, type SealingDraft, type SealingState } from './sealing.decider.ts';

type OperationState = ReplayState | LedgerKeyState | ParkedAggregateState | SealingState | SandboxState;
type OperationDraft = ReplayDraft | LedgerKeyDraft | ParkedDraft | SealingDraft | SandboxDraft;

const isOfParked = (event: OperationDraft): event is ParkedDraft => parkedEventTypes.includes(event.type);
const isOfSealing = (event: OperationDraft): event is SealingDraft => event.type === logSealingRequested.type || event.type === logSealingEnded.type;
const isOfSandbox = (event: OperationDraft): event is SandboxDraft => sandboxEventTypes.includes(event.type);

/** All kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const operationAggregate = {
  context: 'operation',
  decider: {
    initialState: { status: 'absent' } as OperationState,
    evolve: (state: OperationState, event: OperationDraft): OperationState => {
      if (isOfSandbox(event)) return sandboxDecider.evolve(state as SandboxState, event);
      if (isOfParked(event)) return parkedDecider.evolve(state as ParkedAggregateState, event);
      if (isOfSealing(event)) return sealingDecider.evolve(state as SealingState, event);
      if (event.type === ledgerKeyRotated.type) return ledgerKeyDecider.evolve(state as LedgerKeyState, event);
      return replayDecider.evolve(state as ReplayState, event);
    },
  },
} as const;
