import { openEngines } from '#adapters/engines';
import { catchUpHeads, claimName, observeEngines, requireBoundLog, runApp, settingsOrEnd, untilThere, waitingLog } from '#runtime';
import { runMigrations } from '#migrations';
import { aggregates, discarded } from '#read-models';
import { readProjectorSettings } from './projector.config.ts';
import { projectorModule, serveProjector } from './projector.module.ts';

const settings = await settingsOrEnd('projector', readProjectorSettings);

await runApp({
  name: 'projector',
  settings,
  module: async (context) => {
    const engines = observeEngines(
      await openEngines({ ...settings, onWaiting: waitingLog(context.logger) }, 'log', 'database', 'jobs', 'blobs'),
      context.telemetry,
    );
    context.lifecycle.onStop('engines', 'engines', () => engines.close());
    const wait = { logger: context.logger, signal: context.lifecycle.stopping };
    await untilThere(() => runMigrations(engines.databaseUrl), wait);
    await untilThere(() => requireBoundLog(engines), wait);
    const claim = { name: `projector/${settings.node}/${settings.projectorId}`, setting: 'STREAMS_NODE, or PROJECTOR_ID', runPath: settings.runPath };
    await untilThere(() => claimName(claim, { ...context, leases: engines.leases }), wait);
    await untilThere(() => catchUpHeads(aggregates, { ...engines, discarded, logger: context.logger, progress: context.progress }), wait);
    return projectorModule(engines, context);
  },
  serve: serveProjector,
});
