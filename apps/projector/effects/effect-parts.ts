import type { Engines } from '#adapters/engines';
import { openMasterKey } from '#adapters/master-key';
import { WebhookSender } from '#adapters/webhook';
import { erasuresReactor } from '#domain/access';
import { purgesReactor } from '#domain/cache';
import { webhookAggregate, webhooksReactor, type KnownWebhook, type WantedBy } from '#domain/operation';
import { clipsReactor, recordingsReactor } from '#domain/stream';
import type { AggregateStore } from '#ports';
import {
  CommandExecutor,
  EffectDispatcher,
  effectRetriesReactor,
  EffectWorkers,
  metrics,
  ReactorHost,
  RegionSecrets,
  SharedLook,
  type AppContext,
  type BoundReactor,
  type EventParking,
  type SharedSettings,
  type WorkBoard,
} from '#runtime';
import type { EffectSettings } from './effects.config.ts';
import { ErasureKeeper } from './erasure-keeper.ts';
import { ErasureWorker } from './erasure-worker.ts';
import { PurgeWorker } from './purge-worker.ts';
import { RegionErasures } from './region-erasures.ts';
import { WebhookWorker } from './webhook-worker.ts';

/** Whoever asks gets an answer of afterwards; the database is asked no more often than this, ms. */
const knowEveryMs = 100;

export interface EffectParts {
  readonly reactors: ReactorHost;
  readonly dispatcher: EffectDispatcher;
  readonly workers: EffectWorkers;
  readonly sender: WebhookSender;
  readonly keeper: ErasureKeeper;
}

export interface EffectPartsInit {
  readonly owner: string;
  readonly source: string;
  readonly settings: EffectSettings;
  readonly parking: EventParking;
  /** What names and locks subjects of personal data. */
  readonly personal: Pick<SharedSettings, 'masterKey' | 'regionSecrets'>;
  /** Shows how the work under leases does. */
  readonly board?: WorkBoard;
  /** After so long in the queue without an end, a job counts as lost there, ms; 30,000 by default. */
  readonly lostAfterMs?: number | undefined;
}

/** Who wants events now, from heads: a webhook whose registration was answered gets all that is recorded afterwards. */
async function wantedBy(aggregates: AggregateStore): Promise<readonly WantedBy[]> {
  const heads = await aggregates.find(webhookAggregate.context, 'webhook', 'enabled');
  return heads.map(({ tenant, state }) => ({ tenant, webhook: state as KnownWebhook }));
}

/** Of the places for deliveries one tenant's take so much at most, whatever its receivers do. */
const tenantShare = 0.75;

export function boundReactors(aggregates: AggregateStore): readonly BoundReactor[] {
  const wanted = new SharedLook(() => wantedBy(aggregates), knowEveryMs);
  return [
    { reactor: erasuresReactor },
    { reactor: effectRetriesReactor },
    { reactor: recordingsReactor },
    { reactor: clipsReactor },
    { reactor: purgesReactor },
    { reactor: webhooksReactor, know: () => wanted.look() } as BoundReactor,
  ];
}

/** The wiring of reactors and what performs their intents. */
export function effectParts(
  init: EffectPartsInit,
  engines: Engines<'log' | 'database' | 'jobs'>,
  { logger, telemetry }: Pick<AppContext, 'logger' | 'telemetry'>,
): EffectParts {
  const { owner, source, settings, parking, lostAfterMs = 30_000 } = init;
  const { log, leases, effects, jobs, aggregates, secrets, clock, ids } = engines;
  const { health } = telemetry;
  const commands = new CommandExecutor({ aggregates, clock, ids, source });
  const { timeoutMs, privateAddresses, perWebhook } = settings.webhooks;
  const sender = new WebhookSender({ timeoutMs, privateAddresses });
  const tenantMax = Math.max(perWebhook, Math.ceil(settings.webhooks.concurrency * tenantShare));
  const dispatcher = new EffectDispatcher(
    { laneMax: perWebhook, tenantMax, lostAfterMs, keepMs: settings.keepMs },
    { effects, jobs, clock, logger, health, telemetry },
  );
  const onIntents = (): void => dispatcher.wake();
  const reactors = new ReactorHost({ reactors: boundReactors(aggregates), owner }, { log, leases, effects, aggregates, logger, health, parking, onIntents });
  const webhooks = new WebhookWorker(settings.webhooks, { log, aggregates, effects, secrets, commands, sender, clock, logger });
  const { erasures, keeper } = regionErasures(init, engines, { logger, telemetry });
  const workers = new EffectWorkers(
    { workers: [webhooks, erasures, new PurgeWorker(commands)], owner },
    { effects, jobs, clock, ids, source, logger, health, telemetry, onSettled: () => dispatcher.wake() },
  );
  const failing = telemetry.meter.gauge(metrics.failingReactors);
  telemetry.meter.onCollect('reactors', () => {
    for (const [reactor, count] of reactors.failing) failing.set(count, { reactor });
  });
  return { reactors, dispatcher, workers, sender, keeper };
}

/** What does the erasures of other regions here. */
function regionErasures(
  { owner, source, personal, board }: EffectPartsInit,
  { subjectKeys: store, keptErasures: kept, aggregates, leases, clock, ids }: Engines<'database'>,
  { logger, telemetry }: Pick<AppContext, 'logger' | 'telemetry'>,
): { readonly erasures: ErasureWorker; readonly keeper: ErasureKeeper } {
  const secrets = new RegionSecrets(personal.regionSecrets);
  const erasures = new RegionErasures({ store, kept, aggregates, master: openMasterKey(personal.masterKey), secrets, clock, ids, source, logger, telemetry });
  return {
    erasures: new ErasureWorker({ store, erasures }),
    keeper: new ErasureKeeper({ owner }, { erasures, kept, secrets, leases, logger, telemetry, ...(board && { board }) }),
  };
}
