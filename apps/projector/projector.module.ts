import type { Engines } from '#adapters/engines';
import { WebhookSender } from '#adapters/webhook';
import { contexts } from '#events';
import {
  CommandExecutor,
  ConsumerHost,
  ConsumerLag,
  EffectDispatcher,
  EffectWorkers,
  EventParking,
  FactPublisher,
  LogEventIntake,
  OutboxRelay,
  ReactorHost,
  showEventIndexLag,
  WorkBoard,
  type AppContext,
} from '#runtime';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { ErasureKeeper } from './effects/erasure-keeper.ts';
import { effectParts } from './effects/effect-parts.ts';
import { LedgerKeeper } from './ledger/ledger-keeper.ts';
import { ledgerParts } from './ledger/ledger-parts.ts';
import { WitnessRounds } from './ledger/witness-rounds.ts';
import { DiscardReader } from './parked/discarded.ts';
import { ParkedDesk } from './parked/parked-desk.ts';
import { ScaleAdvisor } from './fleet/scale-advisor.ts';
import { BrowseReader } from './prefetch/browse-reader.ts';
import { ModelShelf } from './prefetch/model-shelf.ts';
import { PrefetchTrainer } from './prefetch/prefetch-trainer.ts';
import { RowSweeper } from './expiry/row-sweeper.ts';
import { heldUpNotes } from './replay/held-up.ts';
import { ReplayThread } from './replay/replay-thread.ts';
import { RegionKeeper } from './region/region-keeper.ts';
import { regionParts } from './region/region-parts.ts';
import { projections } from '#read-models';
import type { ProjectorSettings } from './projector.config.ts';

class ProjectorRoot {}

interface Loop {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The only wiring of the projector: read models, the outbox's relay and the audit ledger, all under leases. */
export function projectorModule(engines: Engines<'log' | 'database' | 'jobs' | 'blobs'>, context: AppContext<ProjectorSettings>): DynamicModule {
  const { settings, logger, telemetry } = context;
  const { log, leases, outbox, projections: store, parked, past, aggregates, publications, rowRetention, clock, ids } = engines;
  const { health } = telemetry;
  const owner = `${settings.node}/${settings.projectorId}`;
  const intake = new LogEventIntake({ owner: `${owner}/${ids.next()}` }, { log, publications, leases, clock, logger });
  const source = `/projector/${settings.node}`;
  const parking = new EventParking({ intake, clock, logger, source, telemetry });
  const discards = new DiscardReader(aggregates);
  const poison = { parked, clock, limits: settings.poison, leftOut: (projection: string) => discards.leftOut(projection) };
  const host = new ConsumerHost({ projections, owner }, { log, leases, store, logger, health, parking, poison });
  const commands = new CommandExecutor({ aggregates, clock, ids, source });
  const desk = new ParkedDesk({}, { projections, parked, parking, aggregates, commands, log, past, logger, health });
  const board = new WorkBoard(clock, telemetry.meter);
  const relay = new OutboxRelay({ owner }, { outbox, log, leases, logger, health, board });
  const { keeper, rounds } = ledgerParts({ owner, settings: settings.ledger }, engines, { logger, health, board });
  const sweeper = new RowSweeper({ owner, keeps: settings.rowKeeps }, { retention: rowRetention, leases, logger, health });
  const {
    reactors,
    dispatcher,
    workers,
    sender,
    keeper: erasureKeeper,
  } = effectParts({ owner, source, settings: settings.effects, personal: settings, parking, board }, engines, context);
  showEventIndexLag(contexts, { log, index: engines.index, clock, telemetry });
  const { stallMs } = settings.telemetry;
  const heldBack = async (): Promise<readonly string[]> => (host.waits ? heldUpNotes(aggregates) : []);
  const lag = new ConsumerLag({ lookEveryMs: Math.min(5000, stallMs / 4), stallMs }, { host, log, clock, telemetry, logger, heldBack });
  return {
    module: ProjectorRoot,
    providers: [
      { provide: ConsumerHost, useValue: host },
      { provide: ParkedDesk, useValue: desk },
      { provide: LogEventIntake, useValue: intake },
      { provide: OutboxRelay, useValue: relay },
      { provide: ConsumerLag, useValue: lag },
      { provide: RowSweeper, useValue: sweeper },
      { provide: ScaleAdvisor, useValue: advisorOf(owner, engines, context) },
      { provide: PrefetchTrainer, useValue: trainerOf(owner, engines, context) },
      { provide: ReplayThread, useValue: new ReplayThread({}, { logger, board }) },
      { provide: LedgerKeeper, useValue: keeper },
      { provide: ReactorHost, useValue: reactors },
      { provide: EffectDispatcher, useValue: dispatcher },
      { provide: EffectWorkers, useValue: workers },
      { provide: ErasureKeeper, useValue: erasureKeeper },
      { provide: WebhookSender, useValue: sender },
      { provide: WitnessRounds, useValue: rounds },
      { provide: RegionKeeper, useValue: regionParts(owner, engines, context) },
    ],
  };
}

function advisorOf(
  owner: string,
  { clock, ids, leases, log, reads }: Engines<'log' | 'database'>,
  { logger, settings, telemetry }: AppContext<ProjectorSettings>,
): ScaleAdvisor {
  const facts = new FactPublisher({ log, clock, ids, source: `/projector/${settings.node}`, actor: 'system:projector' });
  return new ScaleAdvisor({ owner, ...settings.scale }, { reads, leases, facts, log, clock, logger, telemetry });
}

function trainerOf(
  owner: string,
  { blobs, clock, ids, leases, log, reads }: Engines<'log' | 'database' | 'blobs'>,
  { logger, settings, telemetry }: AppContext<ProjectorSettings>,
): PrefetchTrainer {
  const facts = new FactPublisher({ log, clock, ids, source: `/projector/${settings.node}`, actor: 'system:projector' });
  const parts = { browse: () => new BrowseReader(reads), shelf: new ModelShelf(reads, blobs), publish: { facts, log } };
  return new PrefetchTrainer({ owner, ...settings.prefetch }, { ...parts, leases, clock, logger, telemetry });
}

/** Starts all and has them drained at the end. */
export async function serveProjector(app: INestApplicationContext, { lifecycle }: AppContext): Promise<object> {
  const intake = app.get(LogEventIntake);
  lifecycle.onStop('leases', 'intake', () => intake.stop());
  intake.start();
  const rounds = app.get(WitnessRounds);
  lifecycle.onStop('leases', 'witnesses', () => rounds.stop());
  lifecycle.onStop('engines', 'webhook sender', () => app.get(WebhookSender).close());
  const loops = [OutboxRelay, ConsumerHost, LedgerKeeper, ReactorHost, EffectDispatcher, EffectWorkers].map((part) => app.get<Loop>(part));
  for (const part of loops) {
    lifecycle.onStop('work', part.constructor.name, () => part.stop());
    await part.start();
  }
  const desk = app.get(ParkedDesk);
  lifecycle.onStop('work', 'parked events', () => desk.stop());
  desk.start();
  const regions = app.get(RegionKeeper);
  lifecycle.onStop('work', 'regions', () => regions.stop());
  regions.start();
  const replays = app.get(ReplayThread);
  lifecycle.onStop('work', 'replays', () => replays.stop());
  replays.start();
  const erasures = app.get(ErasureKeeper);
  lifecycle.onStop('work', 'kept erasures', () => erasures.stop());
  erasures.start();
  const sweeper = app.get(RowSweeper);
  lifecycle.onStop('work', 'row sweeper', () => sweeper.stop());
  sweeper.start();
  const advisor = app.get(ScaleAdvisor);
  lifecycle.onStop('work', 'scale advice', () => advisor.stop());
  advisor.start();
  const trainer = app.get(PrefetchTrainer);
  lifecycle.onStop('work', 'prefetch models', () => trainer.stop());
  trainer.start();
  const lag = app.get(ConsumerLag);
  lifecycle.onStop('accept', 'lag watch', () => lag.stop());
  lag.start();
  return { projections: projections.map(({ name, version }) => `${name}@${version}`) };
}
