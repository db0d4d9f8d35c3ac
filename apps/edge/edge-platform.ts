import { edgeLimits } from './edge.constants.ts';
import type { EdgeSettings } from './edge.config.ts';
import type { OriginClient } from './origin/origin-client.ts';
import type { KeepBytes, ListenEdgeServer } from './server/edge-server.ts';

/** What the runtime gives: a server, and a client for the origin. */
export interface EdgePlatform {
  readonly listen: ListenEdgeServer;
  readonly client: OriginClient;
  readonly keep: KeepBytes;
}

export async function platformOf(settings: Pick<EdgeSettings, 'runtime' | 'originUrl'>): Promise<EdgePlatform> {
  if (settings.runtime === 'bun') {
    const [{ keepOnBun, listenOnBun }, { BunOriginClient }] = await Promise.all([
      import('./server/bun-server.adapter.ts'),
      import('./origin/bun-origin.adapter.ts'),
    ]);
    return { listen: listenOnBun, keep: keepOnBun, client: new BunOriginClient(settings.originUrl) };
  }
  const [{ keepOnNode, listenOnNode }, { NodeOriginClient }] = await Promise.all([
    import('./server/node-server.adapter.ts'),
    import('./origin/node-origin.adapter.ts'),
  ]);
  return { listen: listenOnNode, keep: keepOnNode, client: await NodeOriginClient.connect(settings.originUrl, edgeLimits.connectTimeoutMs) };
}
