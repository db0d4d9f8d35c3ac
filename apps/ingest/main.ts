import { openEngines } from '#adapters/engines';
import { claimName, observeEngines, runApp, settingsOrEnd, untilThere } from '#runtime';
import { readIngestSettings } from './ingest.config.ts';
import { ingestModule, serveIngest } from './ingest.module.ts';

const settings = await settingsOrEnd('ingest', readIngestSettings);

await runApp({
  name: 'ingest',
  settings,
  drainDeadlineMs: settings.drainMs + 8_000,
  module: async (context) => {
    const engines = observeEngines(await openEngines(settings, 'database'), context.telemetry);
    context.lifecycle.onStop('engines', 'engines', () => engines.close());
    const claim = { name: `ingest/${settings.node}`, setting: 'STREAMS_NODE', runPath: settings.runPath };
    const wait = { logger: context.logger, signal: context.lifecycle.stopping };
    await untilThere(() => claimName(claim, { ...context, leases: engines.leases }), wait);
    return ingestModule(engines, context);
  },
  serve: serveIngest,
});
