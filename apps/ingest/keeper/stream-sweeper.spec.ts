import {
  ManualClock,
  MemoryAggregateStore,
  MemoryLeaseStore,
  MemoryOutbox,
  MemoryProjectionStore,
  MemoryReadStore,
  MemorySubjectKeyStore,
} from '#adapters/memory';
import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import { UuidV7IdSource } from '#adapters/system';
import {
  defaultAudioBitrate,
  defaultDvrWindowMs,
  defaultLadder,
  defaultSegmentDurationMs,
  streamAggregate,
  streamsProjection,
  type StreamCommand,
  type StreamState,
} from '#domain/stream';
import { decodeEvent } from '#events';
import { foldChanges } from '#kernel';
import { CommandExecutor, createLogger, PersonalData, SubjectKeys, type Logger } from '#runtime';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { RelayHub } from '../relay/relay-hub.ts';
import { SessionRegistry } from '../session/session-registry.ts';
import { StreamSweeper } from './stream-sweeper.ts';

const streamId = 'st-aaaaaaaa';
const sessionId = 's-1';
const secretHash = 'a'.repeat(64);
const meta = { actor: 'system:test', correlationId: 'test' };
const at = { topic: 'stream', partition: 0 };
const day = 86_400_000;

let logger: Logger;
beforeAll(async () => {
  logger = await createLogger({ name: 'test', logLevel: 'silent', logFormat: 'json', node: 'node-1' });
});

/** The stores that outlive the ingest, on a clock that only the test moves. */
class World {
  readonly clock = new ManualClock();
  readonly ids = new UuidV7IdSource();
  readonly outbox = new MemoryOutbox(this.clock);
  readonly aggregates = new MemoryAggregateStore(this.outbox);
  readonly leases = new MemoryLeaseStore(this.clock);
  readonly projections = new MemoryProjectionStore(this.clock);
  readonly reads = new MemoryReadStore(this.projections);
  readonly #keys = {
    store: new MemorySubjectKeyStore(this.aggregates, this.clock),
    master: new LocalMasterKey(new MemoryKeyRing()),
    clock: this.clock,
    logger,
  };
  readonly personal = new PersonalData(new SubjectKeys({}, this.#keys));
  readonly commands = new CommandExecutor({ aggregates: this.aggregates, clock: this.clock, ids: this.ids, source: '/test', personal: this.personal });
  #projected = 0n;

  /** A stream whose publisher was live and then fell silent. */
  static async interrupted(graceMs: number): Promise<World> {
    const world = new World();
    const settings = {
      ladder: defaultLadder,
      audioBitrate: defaultAudioBitrate,
      segmentDurationMs: defaultSegmentDurationMs,
      graceMs,
      dvrWindowMs: defaultDvrWindowMs,
    };
    await world.execute({ type: 'CreateStream', streamId, name: 'News', keyHash: secretHash, ...settings });
    await world.publish(sessionId, 1);
    await world.execute({ type: 'Interrupt', streamId, sessionId, reason: 'stalled', detail: 'Nothing for 10 s.' });
    return world;
  }

  async publish(session: string, epoch: number): Promise<void> {
    const from = { endpoint: 'primary' as const, remoteAddress: '192.0.2.1:1', node: 'node-1', relayUrl: 'http://127.0.0.1/relay' };
    await this.execute({ type: 'StartPublishing', streamId, sessionId: session, nowMs: this.clock.now(), secretHash, epoch, ...from });
  }

  async execute(command: StreamCommand): Promise<void> {
    const result = await this.commands.execute(streamAggregate, streamId, command, meta);
    if (result.refused) throw new Error(result.message);
  }

  /** What the projector does: everything from the outbox into the read model. */
  async project(): Promise<void> {
    const rows = await this.outbox.take(1000, 0);
    const events = rows.map((row) => decodeEvent(row.record));
    const last = rows.at(-1);
    if (last !== undefined) await this.outbox.forget(last.sequence);
    const changes = foldChanges(
      streamsProjection.tables,
      events.flatMap((event) => streamsProjection.project(event)),
    );
    const to = this.#projected + BigInt(rows.length);
    await this.projections.ensure(streamsProjection);
    await this.projections.commit({ projection: streamsProjection, at, from: this.#projected, to, epoch: 0n, changes });
    this.#projected = to;
  }

  /** The sweeper of an ingest that has just started: it remembers nothing. */
  ingest(): StreamSweeper {
    const hub = new RelayHub({ gopBytesMax: 1024, gopBytesTotal: 1024, keepMsMax: 0, keepBytesTotal: 0 });
    const registry = new SessionRegistry({ ...this, hub, logger });
    return new StreamSweeper({ node: 'node-1', sweepMs: 1000 }, { ...this, registry, logger });
  }

  async state(): Promise<StreamState> {
    return (await this.aggregates.load('stream', streamId))?.state as StreamState;
  }
}

const stopped = { status: 'stopped', reason: 'publisher-gone' };

describe('the grace of an interrupted stream', () => {
  test('that ended while no ingest ran: the first sweep of the next one stops it', async () => {
    const world = await World.interrupted(2000);
    await world.project();
    await world.ingest().sweep();
    expect(await world.state()).toMatchObject({ status: 'interrupted', reason: 'stalled' });
    world.clock.advance(2000);
    await world.ingest().sweep();
    expect(await world.state()).toMatchObject(stopped);
  });

  test('runs on over restarts that are all shorter than it', async () => {
    const world = await World.interrupted(2000);
    await world.project();
    for (const elapsed of [500, 1000, 1500, 1999]) {
      world.clock.advance(elapsed === 1999 ? 499 : 500);
      await world.ingest().sweep();
      expect([elapsed, (await world.state()).status]).toEqual([elapsed, 'interrupted']);
    }
    world.clock.advance(1);
    await world.ingest().sweep();
    expect(await world.state()).toMatchObject(stopped);
  });

  test('is watched by every sweep, not by the first alone', async () => {
    const world = await World.interrupted(60_000);
    await world.project();
    const sweeper = world.ingest();
    for (let i = 0; i < 59; i++) {
      world.clock.advance(1000);
      await sweeper.sweep();
    }
    expect((await world.state()).status).toBe('interrupted');
    world.clock.advance(1000);
    await sweeper.sweep();
    expect(await world.state()).toMatchObject(stopped);
  });

  test.each([
    ['is not served at all', async () => undefined],
    ['does not know the stream', (world: World) => world.projections.ensure(streamsProjection)],
  ])('counts from the first sweep while the read model %s', async (_, prepare) => {
    const world = await World.interrupted(2000);
    await prepare(world);
    world.clock.advance(60_000);
    const sweeper = world.ingest();
    await sweeper.sweep();
    world.clock.advance(1999);
    await sweeper.sweep();
    expect((await world.state()).status).toBe('interrupted');
    world.clock.advance(1);
    await sweeper.sweep();
    expect(await world.state()).toMatchObject(stopped);
  });

  test('of a day is a day, however often the ingest starts in between', async () => {
    const world = await World.interrupted(day);
    await world.project();
    for (let hour = 1; hour < 24; hour++) {
      world.clock.advance(3_600_000);
      await world.ingest().sweep();
    }
    expect((await world.state()).status).toBe('interrupted');
    world.clock.advance(3_600_000);
    await world.ingest().sweep();
    expect(await world.state()).toMatchObject(stopped);
  });

  test('begins anew with each interruption', async () => {
    const world = await World.interrupted(2000);
    const sweeper = world.ingest();
    await sweeper.sweep();
    world.clock.advance(1900);
    await world.publish('s-2', 2);
    await world.execute({ type: 'Interrupt', streamId, sessionId: 's-2', reason: 'connection-closed', detail: '' });
    await world.project();
    world.clock.advance(1999);
    await sweeper.sweep();
    expect((await world.state()).status).toBe('interrupted');
    world.clock.advance(1);
    await sweeper.sweep();
    expect(await world.state()).toMatchObject(stopped);
  });
});
