import { openEngines } from '#adapters/engines';
import { openMasterKey } from '#adapters/master-key';
import { UuidV7IdSource } from '#adapters/system';
import { contexts, topicPartitions } from '#events';
import { aggregates, discarded } from '#read-models';
import { catchUpHeads, observeEngines, openPersonal, RegionSecrets, requireBoundLog, runApp, settingsOrEnd, untilThere, waitingLog } from '#runtime';
import { runMigrations } from '#migrations';
import { createGateway } from './gateway.app.ts';
import { readGatewaySettings } from './gateway.config.ts';
import { gatewayModule } from './gateway.module.ts';
import { GrpcServer } from './grpc/grpc-server.ts';
import { keepHeapYoung } from './young-heap.ts';

keepHeapYoung();
const settings = await settingsOrEnd('gateway', readGatewaySettings);

await runApp({
  name: 'gateway',
  settings,
  module: async ({ lifecycle, logger, telemetry, progress }) => {
    const engines = observeEngines(await openEngines({ ...settings, onWaiting: waitingLog(logger) }, 'log', 'database', 'blobs', 'limits'), telemetry);
    lifecycle.onStop('engines', 'engines', () => engines.close());
    const wait = { logger, signal: lifecycle.stopping };
    await untilThere(() => runMigrations(settings.databaseUrl ?? ''), wait);
    await untilThere(() => requireBoundLog(engines), wait);
    for (const topic of contexts) await untilThere(() => engines.log.ensureTopic(topic, topicPartitions), wait);
    await untilThere(() => catchUpHeads(aggregates, { ...engines, discarded, logger, progress }), wait);
    const master = openMasterKey(settings.masterKey);
    const secrets = new RegionSecrets(settings.regionSecrets);
    const personal = openPersonal({ store: engines.subjectKeys, master, clock: engines.clock, logger, secrets }, lifecycle);
    return gatewayModule({ ...engines, master, personal, telemetry }, settings);
  },
  create: (root, options, { logger, telemetry }) =>
    createGateway(root, options, {
      logger,
      ids: new UuidV7IdSource(),
      consolePath: settings.consolePath,
      telemetry,
      node: settings.node,
      edgeSecret: settings.edgeSecret,
      corsOrigins: settings.corsOrigins,
    }),
  serve: async (app, { lifecycle }) => {
    const grpc = app.get(GrpcServer);
    lifecycle.onStop('accept', 'grpc', () => grpc.stop());
    const grpcPort = await grpc.listen();
    await app.listen(settings.port, settings.host);
    return { url: await app.getUrl(), grpcPort };
  },
});
