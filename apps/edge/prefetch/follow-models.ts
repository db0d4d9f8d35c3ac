import { OperatingError } from '#kernel';
import { edgeProofHeader, edgeProofOf, type Lifecycle, type Logger } from '#runtime';
import { join } from 'node:path';
import type { EdgeSettings } from '../edge.config.ts';
import type { Gateways } from '../gateway/gateways.ts';
import type { EdgePrefetch } from './edge-prefetch.ts';
import { ModelFiles } from './model-files.ts';
import { ModelKeeper } from './model-keeper.ts';

export interface FollowModelsDeps {
  readonly gateways: Gateways;
  readonly prefetch: EdgePrefetch | undefined;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
}

const timeoutMs = 10_000;

/** Asks the gateway, which has the blobs. */
async function fetchModel({ edgeSecret }: EdgeSettings, gateways: Gateways, cid: string, signal: AbortSignal): Promise<Uint8Array> {
  const headers = edgeSecret === undefined ? {} : { [edgeProofHeader]: edgeProofOf(edgeSecret, cid) };
  try {
    const response = await gateways.ask(`/edge/prefetch-models/${cid}`, { headers, signal, timeoutMs });
    if (response.status === 200) return new Uint8Array(await response.arrayBuffer());
    throw new Error(`the gateway answers ${response.status}`);
  } catch (cause) {
    throw new OperatingError(`The model cannot be fetched: ${cause instanceof Error ? cause.message : String(cause)}.`, {
      code: 'MODEL_UNREACHABLE',
      retryable: true,
      cause,
    });
  }
}

/** Brings models that the log tells of into use until the edge stops; undefined where nothing is fetched ahead. */
export async function followModels(settings: EdgeSettings, { gateways, lifecycle, logger, prefetch }: FollowModelsDeps): Promise<ModelKeeper | undefined> {
  if (prefetch === undefined) return undefined;
  const keeper = new ModelKeeper({
    fetch: (cid, signal) => fetchModel(settings, gateways, cid, signal),
    files: new ModelFiles(join(settings.statePath, 'prefetch')),
    use: (zone, model) => prefetch.foresight.use(zone, model),
    region: settings.region,
    logger,
  });
  await keeper.restore();
  const running = keeper.run(lifecycle.stopping);
  lifecycle.onStop('work', 'prefetch models', () => running);
  return keeper;
}
