import { openEngines } from '#adapters/engines';
import { observeEngines, requireBoundLog, runApp, untilThere, waitingLog } from '#runtime';
import { runMigrations } from '#migrations';
import { readMediaSettings } from './media.config.ts';
import { mediaModule, serveMedia } from './media.module.ts';

const settings = readMediaSettings();

await runApp({
  name: 'media',
  settings,
  module: async (context) => {
    const engines = observeEngines(await openEngines({ ...settings, onWaiting: waitingLog(context.logger) }, 'log', 'database', 'blobs'), context.telemetry);
    context.lifecycle.onStop('engines', 'engines', () => engines.close());
    const wait = { logger: context.logger, signal: context.lifecycle.stopping };
    await untilThere(() => runMigrations(engines.databaseUrl), wait);
    await untilThere(() => requireBoundLog(engines), wait);
    return mediaModule(engines, context);
  },
  serve: serveMedia,
});
