import type { Engines } from '#adapters/engines';
import { ConsumerHost, OutboxRelay, type AppContext } from '#runtime';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { projections } from './projections.ts';
import type { ProjectorSettings } from './projector.config.ts';

class ProjectorRoot {}

/** The only wiring of the projector: read models and the outbox's relay, both under leases. */
export function projectorModule(engines: Engines<'log' | 'database'>, { settings, logger }: AppContext<ProjectorSettings>): DynamicModule {
  const { log, leases, outbox, projections: store } = engines;
  const owner = `${settings.node}/${settings.projectorId}`;
  const host = new ConsumerHost({ projections, owner }, { log, leases, store, logger });
  const relay = new OutboxRelay({ owner }, { outbox, log, leases, logger });
  return {
    module: ProjectorRoot,
    providers: [
      { provide: ConsumerHost, useValue: host },
      { provide: OutboxRelay, useValue: relay },
    ],
  };
}

/** Starts both and has them drained at the end. */
export async function serveProjector(app: INestApplicationContext, { lifecycle }: AppContext): Promise<object> {
  for (const part of [app.get(OutboxRelay), app.get(ConsumerHost)]) {
    lifecycle.onStop('work', part.constructor.name, () => part.stop());
    await part.start();
  }
  return { projections: projections.map(({ name, version }) => `${name}@${version}`) };
}
