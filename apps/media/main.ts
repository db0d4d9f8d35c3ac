import { openEngines } from '#adapters/engines';
import { claimName, observeEngines, requireBoundLog, runApp, settingsOrEnd, untilThere, waitingLog } from '#runtime';
import { runMigrations } from '#migrations';
import { readMediaSettings } from './media.config.ts';
import { mediaModule, serveMedia } from './media.module.ts';

const settings = await settingsOrEnd('media', readMediaSettings);

await runApp({
  name: 'media',
  settings,
  module: async (context) => {
    const engines = observeEngines(
      await openEngines({ ...settings, onWaiting: waitingLog(context.logger) }, 'log', 'database', 'blobs', 'jobs'),
      context.telemetry,
    );
    context.lifecycle.onStop('engines', 'engines', () => engines.close());
    const wait = { logger: context.logger, signal: context.lifecycle.stopping };
    await untilThere(() => runMigrations(engines.databaseUrl), wait);
    await untilThere(() => requireBoundLog(engines), wait);
    const claim = { name: `media/${settings.node}/${settings.mediaId}`, setting: 'STREAMS_NODE, or MEDIA_ID', runPath: settings.runPath };
    await untilThere(() => claimName(claim, { ...context, leases: engines.leases }), wait);
    return mediaModule(engines, context);
  },
  serve: serveMedia,
});
