export { claimName, type NameClaim } from './claimed-name.ts';
export { requireBoundLog } from './bound-log.ts';
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
export { poisonLimits, type Poison, type PoisonLimits } from './consumer/poison/poison.ts';
export { behindLogNote, reactorBehindNote, type BehindLog } from './consumer/behind-log.ts';
export { ConsumerLag } from './consumer/consumer-lag.ts';
export { withoutEffects, type EffectPorts } from './effects/closed-effects.ts';
export { EffectDispatcher, type EffectDispatcherDeps, type EffectDispatcherInit } from './effects/effect-dispatcher.ts';
export type { EffectResult, EffectWorker, TryReport } from './effects/effect-worker.ts';
export { EffectWorkers, type EffectWorkersDeps, type EffectWorkersInit } from './effects/effect-workers.ts';
export { intentKey } from './effects/intent-key.ts';
export { ReactorHost, type ReactorHostDeps, type ReactorHostInit } from './effects/reactor-host.ts';
export type { BoundReactor } from './effects/reactor-task.ts';
export { effectRetriesReactor } from './effects/retry-reactor.ts';
export { SharedLook } from './effects/shared-look.ts';
export { envelop, type CatalogueDraft, type EnvelopeDeps } from './envelopes.ts';
export { FactPublisher, type FactCause, type FactPublisherInit, type PublishOptions } from './fact-publisher.ts';
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
export { edgeMessageKey, edgeProofHeader, edgeProofOf, isEdgeProof } from './edge-proof.ts';
export { showEventIndexLag } from './event-index/event-index-lag.ts';
export { EventIndexKeeper, type EventIndexKeeperDeps, type EventIndexKeeperInit } from './event-index/event-index-keeper.ts';
export { indexedEventOf } from './event-index/indexed-event.ts';
export { EventParking, type EventParkingDeps } from './intake/event-parking.ts';
export { LogEventIntake, type LogEventIntakeDeps, type LogEventIntakeInit } from './intake/log-event-intake.ts';
export { readLedgerSettings, type LedgerSettings } from './ledger.config.ts';
export { HeadCache, type HeadCacheInit } from './head-cache.ts';
export { GatheredLeaseStore, type GatheredLeaseStoreInit } from './lease/gathered-lease-store.ts';
export { epochOnLog } from './lease/epoch-on-log.ts';
export { acquireBeyond, HeldLease, type HeldLeaseDeps, type HeldLeaseInit } from './lease/held-lease.ts';
export { LeasedJobs, type LeasedJob, type LeasedJobsDeps, type LeasedJobsInit } from './lease/leased-jobs.ts';
export { LeasedWorker, type LeasedWorkerDeps, type LeasedWorkerInit, type Tenure } from './lease/leased-worker.ts';
export { WorkBoard, type WorkerSignals, type WorkerState } from './lease/work-board.ts';
export { Lifecycle, type LifecycleInit, type StopPhase } from './lifecycle.ts';
export { createLogger, waitingLog, type Logger, type LoggerInit } from './logging.ts';
export { OutboxRelay, type OutboxRelayDeps, type OutboxRelayInit } from './outbox-relay.ts';
export { lowOf } from './low-of.ts';
export { PastKeeper, pieceEventsDefault, type PastKeeperDeps, type PastKeeperInit } from './past/past-keeper.ts';
export { PastReadStore, type PastMoment, type PastReadsDeps, type PastReadsInit } from './past/past-read-store.ts';
export { readTail, type Tail, type TailPart } from './past/past-tail.ts';
export { backOffMs, pause, withTimeout } from './pause.ts';
export { divergence, logDigests, rowDigests, type RegionDigests } from './region/region-digests.ts';
export { ForwardingEventLog } from './forwarding-event-log.ts';
export { RegionMirror, type RegionMirrorDeps, type RegionMirrorInit } from './region/region-mirror.ts';
export type { PeerBlobs } from './region/peer-blobs.config.ts';
export { readRegionPeers, type RegionPeer } from './region/region-peers.config.ts';
export { buildEnds, buildStarts, eventsGone, eventsGoneOf, isWhole, type ReplayWindow } from './replay/build-starts.ts';
export { BulkLoad, type BulkLoadInit } from './replay/bulk-load.ts';
export { isLeftOut, nothingLeftOut, type LeftOut } from './left-out.ts';
export { foldBetween, type OnPoison } from './replay/read-between.ts';
export { ReplayProgress } from './replay/replay-progress.ts';
export { tellProgress } from './replay/tell-progress.ts';
export { RightOfWay } from './right-of-way.ts';
export { JwksAwayError, JwksCache, type JwksCacheInit } from './jwks-cache.ts';
export { readRtmpsSettings, readTlsFiles, type RtmpsSettings, type TlsFiles } from './rtmps.config.ts';
export { readIdentity, stampOf, timeProblem, type TlsIdentity } from './tls/tls-identity.ts';
export { readRetentionSettings, type RetentionSettings } from './retention.config.ts';
export { ProcessorWait } from './supervision/processor-wait.ts';
export { SilenceWatch, waitShareMax } from './supervision/silence-watch.ts';
export { catchUpHeads, type CatchUpDeps } from './catch-up-heads.ts';
export { restoreHeads, type RestorableAggregate, type RestoreHeadsDeps } from './restore-heads.ts';
export { StartProgress } from './start-progress.ts';
export { appLogger, appSettings, runApp, type AppContext, type AppInit, type NestOptions } from './run-app.ts';
export type { ChosenEngines, S3Settings } from './engine-settings.config.ts';
export {
  InvalidSetting,
  invalidSetting,
  missingSetting,
  readChoice,
  readEdgeKeysRequired,
  readEdgeSecret,
  readFlag,
  readInteger,
  readPort,
  readText,
  readUrl,
  settingProblems,
  type Environment,
} from './setting-values.config.ts';
export { settingsOrEnd } from './settings-or-end.config.ts';
export { readOwnHosts } from './own-hosts.config.ts';
export { readSharedSettings, type SharedSettings } from './settings.config.ts';
export { endOnError, endOnSignal, exitCodeOf, misconfigured } from './process-ends.ts';
export { observeIntake } from './telemetry/observed/observe-intake.ts';
export { observeEngines } from './telemetry/observed/observe-engines.ts';
export { Health, type Heartbeat, type HealthReport } from './telemetry/health.ts';
export { healthAnswer } from './telemetry/watch-server.ts';
export { noTelemetry, openTelemetry, type Telemetry } from './telemetry/telemetry.ts';
export { PushTelemetry, type PushedEvent } from './telemetry/push-telemetry.ts';
export { telemetryOff, type TelemetrySettings } from './telemetry/telemetry.config.ts';
export { Meter, type Counter, type Gauge, type Histogram, type MetricSpec } from './telemetry/metrics/meter.ts';
export { allMetrics, metrics } from './telemetry/metrics/metrics.constants.ts';
export { activeSpan, activeTraceparent, noTracer, runInside, Tracer, type OpenSpan, type Span, type SpanInit } from './telemetry/tracing/tracer.ts';
export { isSampled, parseTraceparent } from './telemetry/tracing/traceparent.ts';
export { readMasterKeySettings, type MasterKeySettings } from './master-key.config.ts';
export { openPersonal } from './personal/open-personal.ts';
export { OpenedEventLog } from './personal/opened-event-log.ts';
export { asWritten, PersonalData } from './personal/personal-data.ts';
export { RegionSecrets, type KeptBecause, type RegionSecretsInit } from './personal/region-secrets.ts';
export { SubjectLinker, type Linked, type LockedKeys } from './personal/subject-linker.ts';
export { isIndexKey, SubjectKeys, type Person, type SubjectKeysDeps, type SubjectKeysInit } from './personal/subject-keys.ts';
export { untilThere, type UntilThereInit } from './until-there.ts';
