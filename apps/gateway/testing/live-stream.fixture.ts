import { startGateway, World, type RunningGateway } from './gateway.fixture.ts';
import { ask } from './http-client.ts';
import { announceEncoding, announceSegment } from './stream-facts.ts';
import { TestPackager } from './test-packager.ts';

/** A stream that is live: six segments are stored, of a picture `720p` and its sound `audio`. */
export interface LiveStream {
  readonly id: string;
  /** Of its only run of media, `r1`; it has told of nothing more yet. */
  readonly packager: TestPackager;
}

/** A gateway with one live stream at a time. */
export class LiveStreams {
  readonly world: World;
  readonly gateway: RunningGateway;
  readonly authorization: string;
  #packager: TestPackager | undefined;

  private constructor(world: World, gateway: RunningGateway, authorization: string) {
    this.world = world;
    this.gateway = gateway;
    this.authorization = authorization;
  }

  static async open(): Promise<LiveStreams> {
    const world = await World.open();
    const gateway = await startGateway(world.engines, world.consolePath);
    const { authorization } = await world.key(['admin']);
    return new LiveStreams(world, gateway, authorization);
  }

  /** A new one; the packager of the one before is gone. */
  async begin(): Promise<LiveStream> {
    const { world, gateway, authorization } = this;
    await this.#packager?.close();
    const packager = (this.#packager = await TestPackager.open());
    const { id } = (await ask(gateway.url, '/api/v1/stream/start', { method: 'POST', headers: { authorization }, body: { name: 'live' } })).json as {
      id: string;
    };
    await announceEncoding(world, id, 1n, packager.url);
    for (let mediaSequence = 0; mediaSequence < 6; mediaSequence++) await announceSegment(world, id, mediaSequence);
    await world.settle();
    packager.tell({ kind: 'run', run: 'r1', mediaSequence: 0, renditions: ['720p', 'audio'] });
    return { id, packager };
  }

  async close(): Promise<void> {
    await this.#packager?.close();
    await this.gateway.stop();
    await this.world.close();
  }
}
