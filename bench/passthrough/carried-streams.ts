import type { Platform } from '../../test/constellation/platform.ts';

/** One rung: the source as it is. */
const rung = { name: 'source', height: 2160, videoBitrate: 1_000_000, passThrough: true };

export interface CarriedStream {
  readonly id: string;
  readonly streamKey: string;
}

/** Starts `count` streams that no encoder works for. */
export async function startCarriedStreams(platform: Platform, count: number): Promise<CarriedStream[]> {
  const made: CarriedStream[] = [];
  for (let i = 0; i < count; i++) made.push(await platform.api('POST', '/api/v1/stream/start', { name: `Load ${i}`, ladder: [rung] }));
  return made;
}
