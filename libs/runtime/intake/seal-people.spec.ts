import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import {
  ManualClock,
  MemoryAggregateStore,
  MemoryEventLog,
  MemoryLeaseStore,
  MemoryOutbox,
  MemoryPublicationStore,
  MemorySubjectKeyStore,
} from '#adapters/memory';
import { contexts, dataschemaOf, playbackStarted, topicPartitions } from '#events';
import { OperatingError } from '#kernel';
import type { AggregateCommit, PublicationEntry, Reservation, Reserved } from '#ports';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { PersonalData } from '../personal/personal-data.ts';
import { SubjectKeys } from '../personal/subject-keys.ts';
import type { PublishOutcome } from './event-intake.ts';
import { LogEventIntake } from './log-event-intake.ts';
import { contentDigestOf } from './publication-key.ts';

const logger = pino({ level: 'silent' });
const nothing: AggregateCommit = { context: 'operation', id: 'x', expectedVersion: 0n, state: {}, events: [] };
const caller = { tenant: 'default', actor: 'key:k', correlationId: 'c', traceparent: '', mayPublish: () => true };

/** Shows what is remembered of each content, and remembers something else when it is told to. */
class OpenPublications extends MemoryPublicationStore {
  instead: bigint | undefined;
  readonly digests: bigint[] = [];

  override async reserve(reservation: Reservation): Promise<Reserved> {
    const remembered = (one: PublicationEntry): PublicationEntry => ({ ...one, digest: this.instead ?? one.digest });
    const batches = reservation.batches.map((batch) => ({ ...batch, entries: batch.entries.map(remembered) }));
    this.digests.push(...batches.flatMap(({ entries }) => entries.map(({ digest }) => digest)));
    return super.reserve({ ...reservation, batches });
  }
}

class World {
  readonly clock = new ManualClock(Date.now());
  readonly log = new MemoryEventLog(this.clock);
  readonly store = new MemorySubjectKeyStore(new MemoryAggregateStore(new MemoryOutbox(this.clock)), this.clock);
  readonly ring = new MemoryKeyRing();
  readonly leases = new MemoryLeaseStore(this.clock);
  readonly publications = new OpenPublications(this.clock);
  readonly gateways: LogEventIntake[] = [];
  readonly keys: SubjectKeys[] = [];

  /** Another process, which has kept nothing. */
  gateway(): LogEventIntake {
    const keys = new SubjectKeys({ pollMs: 60_000 }, { store: this.store, master: new LocalMasterKey(this.ring), clock: this.clock, logger });
    const one = new LogEventIntake({ owner: `g-${this.gateways.length}` }, { ...this, personal: new PersonalData(keys), logger });
    this.gateways.push(one);
    this.keys.push(keys);
    return one;
  }

  async erase(subject: string): Promise<void> {
    const keys = this.keys[0] as SubjectKeys;
    const all = await this.store.ofSubject(await keys.standInOf(subject));
    await this.store.erase(
      all.map(({ keyId }) => keyId),
      this.clock.now(),
      nothing,
    );
    for (const one of this.keys) await one.refresh();
  }
}

let world: World;
beforeEach(async () => {
  world = new World();
  for (const topic of contexts) await world.log.ensureTopic(topic, topicPartitions);
});
afterEach(async () => {
  await Promise.all(world.gateways.map((one) => one.stop()));
  for (const one of world.keys) one.stop();
});

const dataOf = (viewer: string): string => JSON.stringify({ sessionId: 'ps-1', assetKind: 'stream', assetId: 'st-1', startupMs: 1, player: 'hls.js', viewer });

async function publish(gateway: LogEventIntake, viewer: string, id = 'e-1'): Promise<PublishOutcome | undefined> {
  const attributes = { specversion: '1.0', id, type: playbackStarted.type, source: '/player' };
  return (await gateway.publish([{ attributes, data: { json: dataOf(viewer) } }], caller, { together: false }))[0];
}

describe('what is remembered of an event that tells of somebody', () => {
  test('recognises a repetition on every gateway, also after a restart, and no other content', async () => {
    expect(await publish(world.gateway(), 'v-4711')).toMatchObject({ duplicate: false });
    expect(await publish(world.gateway(), 'v-4711')).toMatchObject({ duplicate: true });
    expect(await publish(world.gateway(), 'v-2')).toMatchObject({ code: 'EVENT_ID_CONFLICT' });
  });

  test('confirms nobody who was erased: the right guess is answered as every other', async () => {
    const gateway = world.gateway();
    await publish(gateway, 'v-4711');
    await publish(gateway, 'v-2', 'e-2');
    await world.erase('viewer:v-4711');
    const guesses = await Promise.all(['v-4711', 'v-2', 'v-3'].map((viewer) => publish(world.gateway(), viewer)));
    expect(guesses[0]).toMatchObject({ accepted: false, code: 'EVENT_ID_CONFLICT', message: expect.stringContaining('erased') });
    expect(guesses).toEqual([guesses[0], guesses[0], guesses[0]]);
    expect(await publish(gateway, 'v-2', 'e-2')).toMatchObject({ duplicate: true });
  });

  test('cannot be made again from a guess once the key is gone, not even with the master key', async () => {
    const gateway = world.gateway();
    await publish(gateway, 'v-4711');
    await world.erase('viewer:v-4711');
    await publish(gateway, 'v-4711', 'e-2');
    const [before, after] = world.publications.digests;
    expect(after).not.toBe(before);
  });

  describe('by a version before, under a key of the whole platform', () => {
    beforeEach(async () => {
      const gateway = world.gateway();
      const content = `${dataschemaOf(playbackStarted.type, playbackStarted.version)}\n/player\n\n${dataOf('v-4711')}`;
      world.publications.instead = contentDigestOf(await (world.keys[0] as SubjectKeys).formerContentStandIn(content));
      await publish(gateway, 'v-4711');
      world.publications.instead = undefined;
    });

    test('recognises a repetition, and no other content', async () => {
      expect(await publish(world.gateway(), 'v-4711')).toMatchObject({ duplicate: true });
      expect(await publish(world.gateway(), 'v-2')).toMatchObject({ code: 'EVENT_ID_CONFLICT' });
    });

    test('confirms nobody who was erased, and asks the same questions for every guess', async () => {
      await world.erase('viewer:v-4711');
      const asked = jest.spyOn(world.store, 'ofSubject');
      const [right, wrong] = [await publish(world.gateway(), 'v-4711'), await publish(world.gateway(), 'v-3')];
      expect(right).toMatchObject({ accepted: false, code: 'EVENT_ID_CONFLICT' });
      expect(wrong).toEqual(right);
      expect(asked).toHaveBeenCalledTimes(2);
      expect(await publish(world.gateway(), 'v-4711')).toEqual(right);
    });

    test('has no owner while nobody can tell who was erased, so that a later repetition is answered', async () => {
      const gateway = world.gateway();
      jest.spyOn(world.store, 'ofSubject').mockRejectedValueOnce(new OperatingError('Away.', { code: 'DATABASE_UNAVAILABLE', retryable: true }));
      await expect(publish(gateway, 'v-4711')).rejects.toMatchObject({ code: 'INTAKE_UNAVAILABLE' });
      expect(await publish(gateway, 'v-4711')).toMatchObject({ duplicate: true });
    });
  });
});
