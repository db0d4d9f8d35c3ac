import type { Engines } from '#adapters/engines';
import type { SteeringChoice } from '#domain/edge';
import type { AppContext } from '#runtime';
import { answerTo, type ZoneFacts } from './dns/dns-answer.core.ts';
import { DnsServer } from './dns/dns-server.ts';
import { ResponseRate } from './dns/response-rate.core.ts';
import { GeoFile } from './geo/geo-file.ts';
import { SteerServer } from './http/steer-server.ts';
import { askReady, EdgeProbes } from './registry/edge-probes.ts';
import { RegistryFile } from './registry/registry.file.ts';
import { RegistryKeeper } from './registry/registry-keeper.ts';
import type { DnsSettings, SteeringSettings } from './steering.config.ts';
import { steeringMetrics, type SteeringMetrics } from './steering.telemetry.ts';
import { SteeringDesk } from './steering/steering-desk.ts';
import { tellTaken } from './taken-port.ts';

const registryEveryMs = 1000;
const probeTimeoutMs = 2000;
const networksMax = 100_000;

interface Parts {
  readonly registry: RegistryKeeper;
  readonly desk: SteeringDesk;
  readonly metrics: SteeringMetrics;
}

/** Opens what steering is made of, and serves by it. @returns where, for the line that says that it is ready */
export async function openSteering(engines: Engines<'database'>, context: AppContext<SteeringSettings>): Promise<object> {
  const { lifecycle, logger, settings, telemetry } = context;
  const now = Date.now;
  const { keysRequired } = settings;
  const file = new RegistryFile(settings.registryPath);
  const registry = new RegistryKeeper({ everyMs: registryEveryMs, keysRequired }, { reads: engines.reads, file, logger, now, health: telemetry.health });
  await registry.restore();
  await registry.look();
  const geo = settings.geoFile === undefined ? undefined : new GeoFile(settings.geoFile, logger);
  await geo?.open();
  lifecycle.onStop('work', 'places', () => geo?.close());
  const probes = new EdgeProbes({ everyMs: settings.probeEveryMs, timeoutMs: probeTimeoutMs }, { edges: () => registry.known.edges, ask: askReady });
  const { homeRegion, nearKm, shedFrom } = settings;
  const desk = new SteeringDesk({ homeRegion, nearKm, shedFrom }, { registry, probes, geo });
  const metrics = steeringMetrics(telemetry, { registryAgeMs: () => now() - registry.known.readAtMs, hasPlaces: () => geo?.isThere === true });
  if (settings.probeEveryMs > 0) await probes.look(lifecycle.stopping);
  const loops = Promise.all([registry.run(lifecycle.stopping), probes.run(lifecycle.stopping)]);
  lifecycle.onStop('work', 'registry and probes', () => loops.then(() => undefined));
  return serve({ registry, desk, metrics }, context);
}

async function serve({ desk, metrics, registry }: Parts, context: AppContext<SteeringSettings>): Promise<object> {
  const { lifecycle, settings, telemetry } = context;
  const { host, node, port, proxies, token } = settings;
  const count = (quality: SteeringChoice['quality']): void => metrics.steered.add(1, { quality });
  const http = new SteerServer(
    { host, port, node, proxies, token },
    { choose: (path, client) => desk.forPath(path, client), registryAgeMs: () => Date.now() - registry.known.readAtMs, health: telemetry.health, count },
  );
  const metricsPort = settings.telemetry.metrics?.port;
  await tellTaken(http.listen(), { variable: 'STEERING_PORT', port, metricsPort });
  lifecycle.onStop('accept', 'redirects', () => http.close());
  const dns = settings.dns === undefined ? undefined : dnsServer(settings.dns, { registry, desk, metrics }, context);
  if (dns !== undefined) await tellTaken(dns.listen(), { variable: 'STEERING_DNS_PORT', port: settings.dns?.port ?? 0, metricsPort });
  lifecycle.onStop('accept', 'dns', () => dns?.close());
  return { url: `http://${settings.publicHost}:${http.port}`, port: http.port, dnsPort: dns?.port, zone: settings.dns?.zone };
}

function dnsServer(settings: DnsSettings, { desk, metrics, registry }: Parts, { logger, settings: { host } }: AppContext<SteeringSettings>): DnsServer {
  const { nameServerAddresses, nameServers, ttlSeconds, zone } = settings;
  const facts = (): ZoneFacts => ({ zone, nameServers, nameServerAddresses, ttlSeconds, serial: registry.serial });
  return new DnsServer(
    { host, port: settings.port },
    {
      answer: (question, resolver) => answerTo(question, { facts: facts(), edgeFor: (key) => desk.forName(key, question.subnet, resolver) }),
      rate: new ResponseRate({ perSecond: settings.answersPerSecond, networksMax }),
      now: Date.now,
      logger,
      count: (outcome, transport) => metrics.dns.add(1, { outcome, transport }),
    },
  );
}
