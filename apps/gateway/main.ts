import { openEngines } from '#adapters/engines';
import { UuidV7IdSource } from '#adapters/system';
import { contexts, topicPartitions } from '#events';
import { runApp } from '#runtime';
import { runMigrations } from '#migrations';
import { createGateway } from './gateway.app.ts';
import { readGatewaySettings } from './gateway.config.ts';
import { gatewayModule } from './gateway.module.ts';

const settings = readGatewaySettings();

await runApp({
  name: 'gateway',
  settings,
  module: async ({ lifecycle }) => {
    const engines = await openEngines(settings, 'log', 'database', 'blobs');
    lifecycle.onStop('engines', 'engines', () => engines.close());
    await runMigrations(settings.databaseUrl ?? '');
    for (const topic of contexts) await engines.log.ensureTopic(topic, topicPartitions);
    return gatewayModule(engines, settings);
  },
  create: (root, options, { logger }) => createGateway(root, options, { logger, ids: new UuidV7IdSource(), consolePath: settings.consolePath }),
  serve: async (app) => {
    await app.listen(settings.port, settings.host);
    return { url: await app.getUrl() };
  },
});
