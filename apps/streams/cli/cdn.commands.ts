import { pause } from '#runtime';
import type { CdnHealth, PurgeView } from '../client/api.types.ts';
import { ApiFailure } from '../client/api-client.ts';
import { PlainFailure } from '../streams.errors.ts';
import type { CommandContext } from './context.ts';

const pollMs = 100;

/** Requests a purge and waits until every edge that is up has applied it. */
export async function purge(
  { api, print }: CommandContext,
  urls: readonly string[],
  options: { readonly wait: boolean; readonly timeout: number; readonly reason?: string },
): Promise<void> {
  const { purgeId } = await api.call<{ readonly purgeId: string }>('POST', '/api/v1/cdn/cache/purge', {
    urls,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  });
  if (!options.wait) return print({ purgeId }, () => [`Purge ${purgeId} is requested.`]);
  const health = await api.call<CdnHealth>('GET', '/api/v1/cdn/health');
  const edges = health.edges.filter((edge) => edge.status === 'up').map((edge) => edge.id);
  const deadline = Date.now() + options.timeout * 1000;
  for (;;) {
    // A new purge has no row before the projector has seen it.
    const view = await api.call<PurgeView>('GET', `/api/v1/cdn/purges/${purgeId}`).catch((error: unknown) => {
      if (error instanceof ApiFailure && error.status === 404) return undefined;
      throw error;
    });
    const applied = view?.applied ?? [];
    const missing = edges.filter((id) => !applied.some((one) => one.edgeId === id));
    if (missing.length === 0) {
      return print(view ?? { purgeId, applied }, () => purgeLines(purgeId, edges, applied));
    }
    if (Date.now() > deadline)
      throw new PlainFailure(
        `Purge ${purgeId} is on the log, but ${missing.join(', ')} did not apply it within ${options.timeout} s; it will when it is back.`,
      );
    await pause(pollMs);
  }
}

/** What became of a purge that no edge of `edges` has still to apply. */
export function purgeLines(purgeId: string, edges: readonly string[], applied: PurgeView['applied']): readonly string[] {
  if (edges.length === 0) return [`Purge ${purgeId} is on the log. No edge is up: each applies it before it serves again.`];
  return [`Purge ${purgeId} is applied.`, ...applied.map((one) => `  ${one.edgeId}: ${one.objects} objects forgotten after ${one.delayMs} ms`)];
}
