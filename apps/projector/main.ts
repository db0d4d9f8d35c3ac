import { openEngines } from '#adapters/engines';
import { runApp } from '#runtime';
import { runMigrations } from '#migrations';
import { readProjectorSettings } from './projector.config.ts';
import { projectorModule, serveProjector } from './projector.module.ts';

const settings = readProjectorSettings();

await runApp({
  name: 'projector',
  settings,
  module: async (context) => {
    const engines = await openEngines(settings, 'log', 'database');
    context.lifecycle.onStop('engines', 'engines', () => engines.close());
    await runMigrations(engines.databaseUrl);
    return projectorModule(engines, context);
  },
  serve: serveProjector,
});
