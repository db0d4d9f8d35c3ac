export {
  CommandExecutor,
  type Aggregate,
  type CommandAccepted,
  type CommandExecutorInit,
  type CommandMeta,
  type CommandRefused,
  type CommandResult,
} from './command-executor.ts';
export { ConsumerHost, type ConsumerHostDeps, type ConsumerHostInit } from './consumer/consumer-host.ts';
export type { CatalogueDraft } from './envelopes.ts';
export { FactPublisher, type FactPublisherInit, type PublishOptions } from './fact-publisher.ts';
export {
  EventIntake,
  intakeLimits,
  retryAfterMsOf,
  type IntakeOptions,
  type PublishAccepted,
  type PublishingCaller,
  type PublishOutcome,
  type PublishRejected,
} from './intake/event-intake.ts';
export { Lifecycle, type LifecycleInit, type StopPhase } from './lifecycle.ts';
export { createLogger, type Logger, type LoggerInit } from './logging.ts';
export { OutboxRelay, type OutboxRelayDeps, type OutboxRelayInit } from './outbox-relay.ts';
export { backOffMs, pause, withTimeout } from './pause.ts';
export { restoreHeads, type RestorableAggregate, type RestoreHeadsDeps } from './restore-heads.ts';
export { appLogger, appSettings, runApp, type AppContext, type AppInit, type NestOptions } from './run-app.ts';
export type { ChosenEngines, S3Settings } from './engine-settings.config.ts';
export { invalidSetting, readChoice, readFlag, readInteger, readPort, readText, readUrl, type Environment } from './setting-values.config.ts';
export { readSharedSettings, type SharedSettings } from './settings.config.ts';
export { endOnError, endOnSignal } from './process-ends.ts';
