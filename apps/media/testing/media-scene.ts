import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBlobStore, MemoryEventLog, MemoryLeaseStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { createLogger, type Logger } from '#runtime';
import { MediaNode, type MediaNodeInit } from './media-node.ts';
import { PublishedStream, until } from './published-stream.ts';
import { TestRelay } from './test-relay.ts';

/** What one test of packagers plays in: a folder, a log, stores, a relay with what is published, a stream, and the nodes that it starts. */
export class MediaScene {
  readonly folder: string;
  readonly logger: Logger;
  readonly log = new MemoryEventLog(new SystemClock());
  readonly leases = new MemoryLeaseStore(new SystemClock());
  readonly blobs = new MemoryBlobStore();
  readonly relay = new TestRelay();
  readonly stream = new PublishedStream(this.log);
  readonly #nodes: MediaNode[] = [];

  private constructor(folder: string, logger: Logger) {
    this.folder = folder;
    this.logger = logger;
  }

  /** `TEST_LOG=debug` shows what the packagers say. */
  static async open(name: string): Promise<MediaScene> {
    const folder = await mkdtemp(join(tmpdir(), `streams-${name}-`));
    const logger = await createLogger({ name: 'media', node: 'test', logFormat: 'json', logLevel: process.env['TEST_LOG'] ?? 'silent' });
    const scene = new MediaScene(folder, logger);
    await scene.relay.listen();
    return scene;
  }

  async startMedia(init: Partial<MediaNodeInit> = {}): Promise<MediaNode> {
    const { folder, log, leases, blobs, logger } = this;
    const node = await MediaNode.start({ folder, log, leases, blobs, logger, ...init });
    this.#nodes.push(node);
    return node;
  }

  /** What was told under a type, in order. */
  async data(type: string): Promise<Array<Record<string, unknown>>> {
    return (await this.stream.events()).flatMap((event) => (event.type === type ? [event.data as Record<string, unknown>] : []));
  }

  /** Resolves when an encoder has used up what a publisher sent. */
  sourceEnded(): Promise<void> {
    return until('the source ended', async () => (await this.data('encoding.ended')).some(({ reason }) => reason === 'source-ended'));
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map((one) => one.stop()));
    await this.relay.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
