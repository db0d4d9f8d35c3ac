import { edgeLimits } from './edge.constants.ts';
import type { EdgeSettings } from './edge.config.ts';
import type { OriginClient } from './origin/origin-client.ts';
import type { ConnectOrigin } from './origin/origin-endpoint.ts';
import type { BytesOf, KeepBytes } from './server/exchange.ts';
import type { ListenEdgeServer } from './server/edge-server.ts';

/** What the runtime gives: a server, and a client for the origin. */
export interface EdgePlatform {
  readonly listen: ListenEdgeServer;
  readonly client: OriginClient;
  /** A client for an origin that a zone names. */
  readonly connect: ConnectOrigin;
  readonly keep: KeepBytes;
  /** For bytes that are sent once. */
  readonly lend: KeepBytes;
  readonly bytesOf: BytesOf;
}

export async function platformOf(settings: Pick<EdgeSettings, 'runtime' | 'originUrl'>): Promise<EdgePlatform> {
  if (settings.runtime === 'bun') {
    const [{ bytesOnBun, keepOnBun, lendOnBun, listenOnBun }, { BunOriginClient }, { BunZoneClient }] = await Promise.all([
      import('./server/bun-server.adapter.ts'),
      import('./origin/bun-origin.adapter.ts'),
      import('./origin/bun-zone-client.adapter.ts'),
    ]);
    const connect: ConnectOrigin = async (endpoint) => new BunZoneClient(endpoint, () => Date.now());
    return { listen: listenOnBun, keep: keepOnBun, lend: lendOnBun, bytesOf: bytesOnBun, client: new BunOriginClient(settings.originUrl), connect };
  }
  const [{ bytesOnNode, keepOnNode, listenOnNode }, { NodeOriginClient }] = await Promise.all([
    import('./server/node-server.adapter.ts'),
    import('./origin/node-origin.adapter.ts'),
  ]);
  const connect: ConnectOrigin = (endpoint) => NodeOriginClient.connect(endpoint);
  const client = await connect({ url: settings.originUrl, connectTimeoutMs: edgeLimits.connectTimeoutMs, http2: false });
  return { listen: listenOnNode, keep: keepOnNode, lend: keepOnNode, bytesOf: bytesOnNode, client, connect };
}
