export {
  effectRetryAggregate,
  effectRetryDecider,
  reactorAggregate,
  reactorDecider,
  type ReactorState,
  type RequestEffectRetry,
  type ResetReactor,
} from './effect.decider.ts';
export { effectsProjection, effectTable, reactorResetTable } from './effect.projection.ts';
export { ledgerTreeAggregate, ledgerTreeDecider, ledgerTreeSubject, type BeginLedgerAnew, type LedgerTreeState } from './ledger-tree.decider.ts';
export { ledgerKeyAggregate, ledgerKeyDecider, ledgerKeySubject, type LedgerKeyState, type RotateLedgerKey } from './ledger-key.decider.ts';
export { ledgerKeysProjection, ledgerKeyTable } from './ledger-key.projection.ts';
export { operationAggregate } from './operation-aggregate.ts';
export { discardHeads, isDiscarding, leftOutOf } from './left-out.policy.ts';
export {
  parkedAggregate,
  parkedDecider,
  parkedIdOf,
  parkedKeyOf,
  projectionOf,
  type KnownParked,
  type ParkedAggregateState,
  type ParkedCommand,
  type ParkedKey,
  type ParkedVerb,
} from './parked.decider.ts';
export { parkedEventsProjection, parkedEventTable, type ParkedRowState } from './parked-event.projection.ts';
export {
  isPartial,
  heldBackNote,
  isHeldBack,
  isHeldUp,
  replayAggregate,
  replayDecider,
  type KnownReplay,
  type OnPoison,
  type PoisonedEvent,
  type ReplayCommand,
  type ReplayOrder,
  type ReplayState,
  type ReplayStatus,
} from './replay.decider.ts';
export { retainedPartitionTable, retentionProjection, sealedSegmentTable, sealingTable } from './retention.projection.ts';
export { sealingAggregate, sealingDecider, type KnownSealing, type SealingCommand, type SealingResult, type SealingState } from './sealing.decider.ts';
export { personalViewAggregate, type PersonalView } from './personal-view.decider.ts';
export { personalViewsProjection, personalViewTable } from './personal-view.projection.ts';
export { replaysProjection, replayTable } from './replay.projection.ts';
export {
  sandboxAggregate,
  sandboxAggregateId,
  sandboxDecider,
  type KnownSandbox,
  type SandboxCommand,
  type SandboxOrder,
  type SandboxState,
  type SandboxStatus,
} from './sandbox.decider.ts';
export { sandboxesProjection, sandboxTable } from './sandbox.projection.ts';
export { buildsOf, isBuilt, sandboxBuildId, sandboxOf } from './sandbox-build.core.ts';
export {
  secretOverlapMsMax,
  webhookAggregate,
  webhookDecider,
  webhookSecretName,
  type KnownWebhook,
  type WebhookCommand,
  type WebhookSettings,
  type WebhookState,
} from './webhook.decider.ts';
export { webhooksProjection, webhookTable } from './webhook.projection.ts';
export { webhookUrlFault } from './webhook-url.core.ts';
export { webhookDelivery, webhooksReactor, webhookTypes, type WantedBy } from './webhooks-reactor.ts';
