import type { Api } from './api.ts';
import { queryOf } from './as-of.ts';
import type { StreamPage, StreamStatus, StreamSummary } from './types.ts';

const names: Readonly<Record<Exclude<StreamStatus, 'stopped'>, string>> = { created: 'waiting', live: 'live', interrupted: 'interrupted' };

/** What people call the state of a stream: one that was stopped is a recording only where something was recorded. */
export function stateOf({ status, durationMs }: Pick<StreamSummary, 'status' | 'durationMs'>): string {
  if (status !== 'stopped') return names[status];
  return hasPicture({ durationMs }) ? 'recording' : 'never live';
}

export function hasPicture({ durationMs }: Pick<StreamSummary, 'durationMs'>): boolean {
  return durationMs !== null && durationMs > 0;
}

/** Everything on air, however old, and the newest of the rest; now, or as of a moment. */
export async function newestAndLive(api: Pick<Api, 'get'>, signal: AbortSignal, asOf?: string): Promise<StreamPage> {
  const at = asOf === undefined ? '' : `&${queryOf(asOf).slice(1)}`;
  const pages = await Promise.all(['status=live&limit=200', 'limit=50'].map((query) => api.get<StreamPage>(`/api/v1/streams?${query}${at}`, signal)));
  const byId = new Map(pages.flatMap(({ items }) => items).map((stream) => [stream.id, stream]));
  return { items: [...byId.values()] };
}
