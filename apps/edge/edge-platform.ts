import { assert } from '#kernel';
import { edgeLimits } from './edge.constants.ts';
import type { EdgeSettings } from './edge.config.ts';
import { Gateways } from './gateway/gateways.ts';
import type { OriginClient } from './origin/origin-client.ts';
import type { ConnectOrigin, OriginTerms } from './origin/origin-endpoint.ts';
import type { BytesOf, KeepBytes, LendBytes } from './server/exchange.ts';
import type { ListenEdgeServer } from './server/edge-server.ts';

/** One of the origins, or gateways, that are all the same. */
export interface NamedClient {
  readonly url: string;
  readonly client: OriginClient;
}

/** What the runtime gives: a server, and clients for the origins. */
export interface EdgePlatform {
  readonly listen: ListenEdgeServer;
  /** For the first origin. */
  readonly client: OriginClient;
  /** For all of them, in their order. */
  readonly origins: readonly NamedClient[];
  /** For what the edge asks on its own account. */
  readonly gateways: Gateways;
  /** A client for an origin that a zone names. */
  readonly connect: ConnectOrigin;
  readonly keep: KeepBytes;
  /** For bytes that are sent once. */
  readonly lend: LendBytes;
  readonly bytesOf: BytesOf;
}

type PlatformInit = Pick<EdgeSettings, 'runtime' | 'originUrls' | 'originConnectionsMax'>;

export async function platformOf({ originConnectionsMax, originUrls, runtime }: PlatformInit): Promise<EdgePlatform> {
  const gateways = new Gateways(originUrls);
  const { connectTimeoutMs } = edgeLimits;
  const terms: OriginTerms = { connectionsMax: originConnectionsMax, now: () => Date.now() };
  const originsBy = (connect: ConnectOrigin): Promise<NamedClient[]> =>
    Promise.all(originUrls.map(async (url) => ({ url, client: await connect({ url, connectTimeoutMs, http2: false }) })));
  if (runtime === 'bun') {
    const [{ bytesOnBun, keepOnBun, lendOnBun, listenOnBun }, { BunOriginClient }] = await Promise.all([
      import('./server/bun-server.adapter.ts'),
      import('./origin/bun-origin.adapter.ts'),
    ]);
    const connect: ConnectOrigin = async (endpoint) => new BunOriginClient(endpoint, terms);
    const origins = await originsBy(connect);
    return { listen: listenOnBun, keep: keepOnBun, lend: lendOnBun, bytesOf: bytesOnBun, client: firstOf(origins), origins, gateways, connect };
  }
  const [{ bytesOnNode, keepOnNode, listenOnNode }, { NodeOriginClient }] = await Promise.all([
    import('./server/node-server.adapter.ts'),
    import('./origin/node-origin.adapter.ts'),
  ]);
  const connect: ConnectOrigin = async (endpoint) => NodeOriginClient.connect(endpoint, terms);
  const origins = await originsBy(connect);
  return { listen: listenOnNode, keep: keepOnNode, lend: keepOnNode, bytesOf: bytesOnNode, client: firstOf(origins), origins, gateways, connect };
}

function firstOf([first]: readonly NamedClient[]): OriginClient {
  assert(first !== undefined, 'an edge has an origin');
  return first.client;
}

/** Lets go of what is kept open towards them. */
export async function closeAll(origins: readonly NamedClient[]): Promise<void> {
  await Promise.all(origins.map(({ client }) => client.close()));
}
