import type { Engines } from '#adapters/engines';
import { openMasterKey } from '#adapters/master-key';
import { CommandExecutor, openPersonal, RegionSecrets, type AppContext, type Lifecycle, type Logger } from '#runtime';
import type { Clock } from '#ports';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import type { IngestSettings } from './ingest.config.ts';
import { Ingest } from './ingest.ts';
import { TokenVerifier } from './permit/token-verifier.ts';
import { CertificateKeeper } from './secure/certificate-keeper.ts';

class IngestRoot {}

/** The only wiring of the ingest: its parts on the engines of this process. */
export async function ingestModule(engines: Engines<'database'>, context: AppContext<IngestSettings>): Promise<DynamicModule> {
  const { settings, logger, lifecycle, telemetry } = context;
  const { aggregates, leases, reads, clock, ids, subjectKeys } = engines;
  const personal = openPersonal(
    { store: subjectKeys, master: openMasterKey(settings.masterKey), clock, logger, secrets: new RegionSecrets(settings.regionSecrets) },
    lifecycle,
  );
  const commands = new CommandExecutor({ aggregates, clock, ids, source: `/ingest/${settings.node}`, telemetry, personal });
  const certificate = await openCertificate(settings, { clock, logger }, lifecycle);
  const tokens = settings.tokens && (await TokenVerifier.open(settings.tokens, { clock, logger }));
  const extras = { ...(certificate && { certificate }), ...(tokens && { tokens }) };
  const deps = { aggregates, commands, leases, reads, clock, ids, logger, lifecycle, telemetry, ...extras };
  const ingest = new Ingest(settings, deps);
  return { module: IngestRoot, providers: [{ provide: Ingest, useValue: ingest }] };
}

/** The certificate of the RTMPS ports, watched from now on; undefined where the settings name none. */
export async function openCertificate(
  { rtmps }: Pick<IngestSettings, 'rtmps'>,
  deps: { readonly clock: Clock; readonly logger: Logger },
  lifecycle: Lifecycle,
): Promise<CertificateKeeper | undefined> {
  if (rtmps === undefined) return undefined;
  const certificate = await CertificateKeeper.open(rtmps, deps);
  certificate.start();
  lifecycle.onStop('accept', 'certificate', () => certificate.stop());
  return certificate;
}

/** Opens the ports; what it returns stands in the ready line. */
export function serveIngest(app: INestApplicationContext): Promise<object> {
  return app.get(Ingest).serve();
}
