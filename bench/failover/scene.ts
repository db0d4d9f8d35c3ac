import { until, type Platform } from '../../test/constellation/platform.ts';
import { Publisher } from '../../test/constellation/publisher.ts';
import { SequenceClock } from '../../test/constellation/sequence-clock.ts';
import { Viewer } from '../../test/constellation/viewer.ts';
import { EdgeClock } from './edge-clock.ts';
import { ShownFrames } from './shown-frames.ts';

export const patienceMs = 60_000;
export type Endpoint = 'primary' | 'backup';

/** Small: on two cores two publishers, an encoder and a player must leave time to spare. */
const picture = { width: 426, height: 240, videoBitrate: '500k' };
const rung = { name: '240p', height: 240, videoBitrate: 400_000 };

/** A stream with two publishers and somebody who looks at it. */
export interface Scene {
  readonly platform: Platform;
  readonly streamId: string;
  readonly viewer: Viewer;
  readonly frames: ShownFrames;
  readonly clock: SequenceClock;
  readonly edge: EdgeClock;
  /** By endpoint; killed and started anew. */
  readonly publishers: Record<Endpoint, Publisher>;
  readonly begin: (endpoint: Endpoint) => Publisher;
}

export async function openScene(platform: Platform): Promise<Scene> {
  const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: 'Failover', ladder: [rung] });
  const primary = platform.rtmpUrl(stream.streamKey);
  const urls = { primary, backup: primary.replace(`:${platform.ports.rtmp}/`, `:${platform.ports.rtmpBackup}/`) };
  const begin = (endpoint: Endpoint): Publisher => new Publisher({ ...picture, url: urls[endpoint] });
  const publishers = { primary: begin('primary'), backup: begin('backup') };
  const viewer = await Viewer.open(platform.signInUrl, { width: 900, height: 600 });
  await until(
    async () => ((await viewer.look())?.currentTime ?? 0) > 1,
    patienceMs,
    () => `No picture.\n${publishers.primary.log}\n${platform.log.slice(-3000)}`,
  );
  await viewer.page.evaluate('window.neverReloaded = true');
  const frames = await ShownFrames.watch(viewer);
  const edge = await EdgeClock.follow(platform, stream.id, rung.name);
  const clock = new SequenceClock(`${platform.edgeUrl}/live/${stream.id}/${rung.name}.m3u8`);
  return { platform, streamId: stream.id, viewer, frames, clock, edge, publishers, begin };
}

export async function closeScene({ viewer, clock, edge, publishers }: Scene): Promise<void> {
  edge.leave();
  await clock.stop();
  await viewer.close();
  await Promise.all(Object.values(publishers).map((one) => one.stop('SIGKILL')));
}

type Publishing = { readonly publishers: ReadonlyArray<{ readonly endpoint: Endpoint; readonly active: boolean }> };

/** Both publish, and one of them is in use. */
export function inUse({ platform, streamId }: Scene): Promise<Endpoint> {
  return until(
    async () => {
      const { publishers } = await platform.api<Publishing>('GET', `/api/v1/streams/${streamId}`);
      return publishers.length === 2 ? publishers.find(({ active }) => active)?.endpoint : undefined;
    },
    patienceMs,
    () => 'There are no two publishers.',
  );
}
