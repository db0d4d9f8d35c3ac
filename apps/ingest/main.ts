import { openEngines } from '#adapters/engines';
import { observeEngines, runApp } from '#runtime';
import { readIngestSettings } from './ingest.config.ts';
import { ingestModule, serveIngest } from './ingest.module.ts';

const settings = readIngestSettings();

await runApp({
  name: 'ingest',
  settings,
  module: async (context) => {
    const engines = observeEngines(await openEngines(settings, 'database'), context.telemetry);
    context.lifecycle.onStop('engines', 'engines', () => engines.close());
    return ingestModule(engines, context);
  },
  serve: serveIngest,
});
