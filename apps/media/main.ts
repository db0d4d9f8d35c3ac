import { openEngines } from '#adapters/engines';
import { observeEngines, runApp, waitingLog } from '#runtime';
import { readMediaSettings } from './media.config.ts';
import { mediaModule, serveMedia } from './media.module.ts';

const settings = readMediaSettings();

await runApp({
  name: 'media',
  settings,
  module: async (context) => {
    const engines = observeEngines(await openEngines({ ...settings, onWaiting: waitingLog(context.logger) }, 'log', 'database', 'blobs'), context.telemetry);
    context.lifecycle.onStop('engines', 'engines', () => engines.close());
    return mediaModule(engines, context);
  },
  serve: serveMedia,
});
