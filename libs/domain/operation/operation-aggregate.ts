import {
  effectRetryRequested,
  ledgerBegunAnew,
  ledgerKeyRotated,
  logSealingEnded,
  logSealingRequested,
  reactorReset,
  webhookChanged,
  webhookDisabled,
  webhookRegistered,
  webhookRemoved,
  webhookSecretRotated,
  webhookTestRequested,
} from '#events';
import {
  effectRetryDecider,
  reactorDecider,
  type EffectRetryDraft,
  type EffectRetryState,
  type ReactorResetDraft,
  type ReactorState,
} from './effect.decider.ts';
import { ledgerKeyDecider, type LedgerKeyDraft, type LedgerKeyState } from './ledger-key.decider.ts';
import { ledgerTreeDecider, type LedgerTreeDraft, type LedgerTreeState } from './ledger-tree.decider.ts';
import { parkedDecider, parkedEventTypes, type ParkedAggregateState, type ParkedDraft } from './parked.decider.ts';
import { replayDecider, type ReplayDraft, type ReplayState } from './replay.decider.ts';
import { sandboxDecider, type SandboxDraft, type SandboxState } from './sandbox.decider.ts';
import { sandboxEventTypes } from './sandbox-event-types.ts';
import { sealingDecider, type SealingDraft, type SealingState } from './sealing.decider.ts';
import { webhookDecider, type WebhookDraft, type WebhookState } from './webhook.decider.ts';

type OperationState =
  | ReplayState
  | LedgerKeyState
  | LedgerTreeState
  | ParkedAggregateState
  | SealingState
  | SandboxState
  | EffectRetryState
  | ReactorState
  | WebhookState;
type OperationDraft =
  | ReplayDraft
  | LedgerKeyDraft
  | LedgerTreeDraft
  | ParkedDraft
  | SealingDraft
  | SandboxDraft
  | EffectRetryDraft
  | ReactorResetDraft
  | WebhookDraft;

const isOfParked = (event: OperationDraft): event is ParkedDraft => parkedEventTypes.includes(event.type);
const isOfSealing = (event: OperationDraft): event is SealingDraft => event.type === logSealingRequested.type || event.type === logSealingEnded.type;
const isOfSandbox = (event: OperationDraft): event is SandboxDraft => sandboxEventTypes.includes(event.type);

/** Where an aggregate begins, its first event tells. */
function evolve(before: OperationState | undefined, event: OperationDraft): OperationState {
  if (isOfSandbox(event)) return sandboxDecider.evolve((before ?? sandboxDecider.initialState) as SandboxState, event);
  if (isOfParked(event)) return parkedDecider.evolve((before ?? parkedDecider.initialState) as ParkedAggregateState, event);
  if (isOfSealing(event)) return sealingDecider.evolve((before ?? sealingDecider.initialState) as SealingState, event);
  switch (event.type) {
    case ledgerKeyRotated.type:
      return ledgerKeyDecider.evolve((before ?? ledgerKeyDecider.initialState) as LedgerKeyState, event);
    case ledgerBegunAnew.type:
      return ledgerTreeDecider.evolve((before ?? ledgerTreeDecider.initialState) as LedgerTreeState, event);
    case effectRetryRequested.type:
      return effectRetryDecider.evolve((before ?? effectRetryDecider.initialState) as EffectRetryState, event);
    case reactorReset.type:
      return reactorDecider.evolve((before ?? reactorDecider.initialState) as ReactorState, event);
    case webhookRegistered.type:
    case webhookChanged.type:
    case webhookSecretRotated.type:
    case webhookDisabled.type:
    case webhookTestRequested.type:
    case webhookRemoved.type:
      return webhookDecider.evolve((before ?? webhookDecider.initialState) as WebhookState, event);
    default:
      return replayDecider.evolve((before ?? replayDecider.initialState) as ReplayState, event);
  }
}

/** All kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const operationAggregate = { context: 'operation', decider: { initialState: undefined as OperationState | undefined, evolve } } as const;
