import type { Engines } from '#adapters/engines';
import { openMasterKey } from '#adapters/master-key';
import { CommandExecutor, openPersonal, type AppContext } from '#runtime';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import type { IngestSettings } from './ingest.config.ts';
import { Ingest } from './ingest.ts';

class IngestRoot {}

/** The only wiring of the ingest: its parts on the engines of this process. */
export function ingestModule(engines: Engines<'database'>, { settings, logger, lifecycle, telemetry }: AppContext<IngestSettings>): DynamicModule {
  const { aggregates, leases, reads, clock, ids, subjectKeys } = engines;
  const personal = openPersonal({ store: subjectKeys, master: openMasterKey(settings.masterKey), clock, logger }, lifecycle);
  const commands = new CommandExecutor({ aggregates, clock, ids, source: `/ingest/${settings.node}`, telemetry, personal });
  const ingest = new Ingest(settings, { aggregates, commands, leases, reads, clock, ids, logger, lifecycle, telemetry });
  return { module: IngestRoot, providers: [{ provide: Ingest, useValue: ingest }] };
}

/** Opens the ports; what it returns stands in the ready line. */
export function serveIngest(app: INestApplicationContext): Promise<object> {
  return app.get(Ingest).serve();
}
