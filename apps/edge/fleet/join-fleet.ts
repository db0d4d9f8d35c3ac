import type { EdgeCapabilities } from '#domain/edge';
import { pause, type Lifecycle, type Logger } from '#runtime';
import { createRequire } from 'node:module';
import type { EdgeSettings } from '../edge.config.ts';
import { edgeLimits } from '../edge.constants.ts';
import type { AudienceCounter } from '../facts/audience.core.ts';
import type { EdgeFacts, EdgeReport } from '../facts/edge-facts.ts';
import type { EdgeListeners } from '../server/edge-listeners.ts';
import type { Gateways } from '../gateway/gateways.ts';
import { LoadMeter, openDescriptors, processorUs, type LoadGauges } from './load-meter.ts';
import type { Membership } from './membership.ts';
import { Registrar } from './registrar.ts';

/** Counters and gauges that are there already when it is time to report. */
export type Counted = Omit<EdgeReport, keyof Awaited<ReturnType<LoadMeter['measure']>>>;

export interface JoinFleetDeps {
  readonly gateways: Gateways;
  readonly facts: EdgeFacts;
  readonly membership: Membership;
  readonly audience: AudienceCounter;
  readonly counted: () => Counted;
  readonly gauges: () => Omit<LoadGauges, 'draining' | 'bytesServed'>;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly onFatal: (error: unknown) => void;
}

/** Where this program's version stands, from `dist/apps/edge/fleet` as from the sources. */
function programVersion(): string | null {
  const require = createRequire(import.meta.url);
  for (const path of ['../../../../package.json', '../../../package.json']) {
    try {
      const { name, version } = require(path) as { readonly name?: string; readonly version?: string };
      if (name === 'streams' && version !== undefined) return version;
    } catch {
      // Not there: the other place.
    }
  }
  return null;
}

type Known = Pick<EdgeSettings, 'edgeId' | 'region' | 'publicHost' | 'memoryBytesMax' | 'disk' | 'fleet' | 'runtime' | 'listening'>;

/** What this edge can do, as it listens now. */
export function capabilitiesOf(settings: Known, { port, tlsPort }: Pick<EdgeListeners, 'port' | 'tlsPort'>): EdgeCapabilities {
  const { disk, edgeId, fleet, listening, memoryBytesMax, publicHost, region, runtime } = settings;
  const { addresses, bitsPerSecondMax, connectionsMax, location, node, processes, urls } = fleet;
  const url = `http://${publicHost}:${port}`;
  const secure = tlsPort === undefined ? [] : [`https://${publicHost}:${tlsPort}`];
  const http3 = tlsPort !== undefined && listening.tls?.http3 === true && runtime === 'bun' && listening.balancers === undefined;
  return {
    ...{ edgeId, url, region, memoryBytesMax, node, processes, location, bitsPerSecondMax, connectionsMax },
    urls: urls.length > 0 ? [...urls] : [...secure, url],
    addresses: [...addresses],
    protocols: ['http/1.1', ...(tlsPort === undefined ? [] : ['h2']), ...(http3 ? ['h3'] : [])],
    diskBytesMax: disk?.bytesMax ?? 0,
    programVersion: programVersion(),
  };
}

/** Makes itself known, and reports how it is until it ends. An edge with a key is made known by the gateway that takes the key. */
export async function joinFleet(settings: EdgeSettings, listeners: EdgeListeners, deps: JoinFleetDeps): Promise<void> {
  const { audience, facts, lifecycle, logger, membership, onFatal } = deps;
  const edge = capabilitiesOf(settings, listeners);
  const meter = new LoadMeter({ now: Date.now, cpuUs: processorUs, descriptors: openDescriptors });
  await meter.begin();
  membership.onChange((outside) => {
    if (outside === undefined) logger.info('clients are sent to this edge again');
    else {
      logger.warn(`clients are not sent here any more, and those that come are served: ${outside}`);
      listeners.sendAway();
    }
  });
  const { key } = settings.fleet;
  if (key === undefined) void facts.register(edge).catch(onFatal);
  else {
    const registrar = new Registrar({ key }, { gateways: deps.gateways, membership, logger, stopping: lifecycle.stopping });
    const registering = registrar.run(edge).catch(onFatal);
    lifecycle.onStop('work', 'registration', () => registering);
  }
  const report = async (): Promise<void> => {
    const counted = deps.counted();
    const load = await meter.measure({ ...deps.gauges(), bytesServed: counted.bytesServed, draining: membership.outside !== undefined });
    await facts.report({ ...counted, ...load });
    await facts.reportAudience(audience.report(Date.now()));
  };
  const reporting = reportRegularly(report, lifecycle.stopping, onFatal);
  // The last report comes after the last answer, so that nothing is missing from the counters of an edge that ended well.
  lifecycle.onStop('work', 'reports', () => reporting.then(report));
}

async function reportRegularly(report: () => Promise<void>, stopping: AbortSignal, onFatal: (err: unknown) => void): Promise<void> {
  try {
    while (!stopping.aborted) {
      await report();
      await pause(edgeLimits.reportEveryMs, stopping);
    }
  } catch (err) {
    onFatal(err);
  }
}
