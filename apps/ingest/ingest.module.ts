import type { Engines } from '#adapters/engines';
import { CommandExecutor, type AppContext } from '#runtime';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import type { IngestSettings } from './ingest.config.ts';
import { Ingest } from './ingest.ts';

class IngestRoot {}

/** The only wiring of the ingest: its parts on the engines of this process. */
export function ingestModule(engines: Engines<'database'>, { settings, logger, lifecycle, telemetry }: AppContext<IngestSettings>): DynamicModule {
  const { aggregates, leases, reads, clock, ids } = engines;
  const commands = new CommandExecutor({ aggregates, clock, ids, source: `/ingest/${settings.node}`, telemetry });
  const ingest = new Ingest(settings, { aggregates, commands, leases, reads, clock, ids, logger, lifecycle, telemetry });
  return { module: IngestRoot, providers: [{ provide: Ingest, useValue: ingest }] };
}

/** Opens the ports; what it returns stands in the ready line. */
export function serveIngest(app: INestApplicationContext): Promise<object> {
  return app.get(Ingest).serve();
}
