import { join } from 'node:path';
import { NodeProcessRunner, probeFfmpeg } from '#adapters/ffmpeg';
import type { MemoryBlobStore, MemoryEventLog, MemoryLeaseStore } from '#adapters/memory';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { FactPublisher, type Logger } from '#runtime';
import { LiveEdges } from '../edge/live-edges.ts';
import { StreamFollower } from '../fold/stream-follower.ts';
import { LiveStream, type LiveStreamDeps } from '../live/live-stream.ts';
import { Overload } from '../live/overload.ts';
import { StreamDirector } from '../live/stream-director.ts';
import { EncoderSessions } from '../run/encoder-sessions.ts';

export interface MediaNodeInit {
  readonly folder: string;
  readonly log: MemoryEventLog;
  readonly leases: MemoryLeaseStore;
  readonly blobs: MemoryBlobStore;
  readonly logger: Logger;
  readonly owner?: string;
  /** Instead of the machine's ffmpeg. */
  readonly program?: string;
  readonly overload?: Overload;
  readonly shedCalmMs?: number;
}

/** The parts of the media app in this process, on memory engines. */
export class MediaNode {
  readonly #follower: StreamFollower;
  readonly #director: StreamDirector;
  readonly #edges: LiveEdges;

  private constructor(follower: StreamFollower, director: StreamDirector, edges: LiveEdges) {
    this.#follower = follower;
    this.#director = director;
    this.#edges = edges;
  }

  static async start({ folder, log, leases, blobs, logger, owner = 'node-1/media-1', overload = new Overload(), ...own }: MediaNodeInit): Promise<MediaNode> {
    const runner = new NodeProcessRunner({ runPath: join(folder, 'run') });
    const { program: found } = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
    const follower = new StreamFollower({ snapshotPath: join(folder, 'run', `${owner.replaceAll('/', '-')}.fold.json`) }, { log, logger });
    const facts = new FactPublisher({ log, clock: new SystemClock(), ids: new UuidV7IdSource(), source: '/media/test', actor: 'system:media' });
    const edges = new LiveEdges({ on: true, host: '127.0.0.1', port: 0, publicHost: '127.0.0.1' }, logger);
    await edges.listen();
    const deps: LiveStreamDeps = { leases, blobs, facts, follower, runner, logger, encoders: new EncoderSessions([], new SystemClock()), overload };
    const failover = { failoverSilenceMs: 2000, failoverReturnMs: 3000 };
    const { program = found, shedCalmMs = 60_000 } = own;
    const times = { leaseTtlMs: 2000, shedCalmMs, ...failover };
    const init = { owner, node: 'node-1', program, preset: 5, vaapiDevice: '/dev/null', feedBytesMax: 8_000_000, ...times };
    const director = new StreamDirector(
      { streamsMax: 4, retryMs: 300 },
      {
        follower,
        logger,
        refusesStreams: () => overload.refusesStreams,
        encode: (streamId, stop) => new LiveStream({ streamId, ...init, ...edges.of(streamId) }, deps).run(stop),
      },
    );
    await follower.start();
    director.start();
    return new MediaNode(follower, director, edges);
  }

  async stop(): Promise<void> {
    await this.#director.stop();
    await this.#follower.stop();
    this.#edges.close();
  }
}
