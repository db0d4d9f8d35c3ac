import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openMasterKey } from '#adapters/master-key';
import { openEngines, type Engines } from '#adapters/engines';
import { definitionOf, encodeEvent, playbackStarted, readPersonal, type EventDefinition, type StoredRecord } from '#events';
import type { MasterKey } from '#ports';
import { createLogger, PersonalData, readSharedSettings, RegionSecrets, SubjectKeys, type Logger } from '#runtime';
import { SubjectErasure } from '../../apps/gateway/subjects/subject-erasure.ts';
import { startProjector, type ProjectorProcess } from './projector-process.ts';
import { readAll } from './read-all.ts';
import { runStreams } from './run-streams.ts';
import { openWorld, type World } from './world.ts';

const right = 'the-secret-of-both-regions';
const wrong = 'what-somebody-typed-instead';
const people = Array.from({ length: 25 }, (_, at) => `viewer:v-${at}`);
const definition = definitionOf(playbackStarted.type) as EventDefinition;
let logger: Logger;

/** A region: its engines, and what its gateway does about persons. */
class Region {
  readonly world: World;
  readonly engines: Engines<'database'>;
  readonly master: MasterKey;

  private constructor(world: World, engines: Engines<'database'>) {
    this.world = world;
    this.engines = engines;
    this.master = openMasterKey(readSharedSettings({ STREAMS_DATA_DIR: world.folder }).masterKey);
  }

  static async open(): Promise<Region> {
    const world = await openWorld();
    const engines = await openEngines({ ...readSharedSettings({ STREAMS_DATA_DIR: world.folder }), databaseUrl: world.databaseUrl }, 'database');
    world.closing.push(() => engines.close());
    return new Region(world, engines);
  }

  personal(secret?: string): PersonalData {
    const { subjectKeys: store, clock } = this.engines;
    return new PersonalData(new SubjectKeys({}, { store, master: this.master, clock, logger, secrets: new RegionSecrets({ current: secret }) }));
  }

  async watch(secret: string): Promise<void> {
    const personal = this.personal(secret);
    const { clock, ids } = this.engines;
    for (const subject of people) {
      const [id, viewer] = [ids.next(), subject.slice('viewer:'.length)];
      const data = { sessionId: id, assetKind: 'stream', assetId: 'st-1', startupMs: 1, player: 'p', viewer };
      const sealed = await personal.seal({ definition, eventId: id, data }, { tenant: 'default', subject });
      const about = { id, type: playbackStarted.type, version: playbackStarted.version, subject: id, key: id, source: '/player', time: clock.now() };
      const meta = { tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'key:k', streamVersion: 0n, producerEpoch: 0n };
      await this.world.log.append('playback', [encodeEvent({ ...about, ...meta, data: sealed.data })]);
    }
    personal.keys.stop();
  }

  async erase(secret: string): Promise<void> {
    const { subjectKeys: store, aggregates, leases, clock, ids } = this.engines;
    const personal = this.personal(secret);
    const erasure = new SubjectErasure({ store, master: this.master, personal, aggregates, leases, clock, ids, source: '/gateway/test', hasRegions: true });
    for (const subject of people) await erasure.erase(subject, 'asked for it', undefined, { actor: 'key:k', correlationId: 'c', tenant: 'default' });
    personal.keys.stop();
  }

  async project(peers: string, secret: string, id = 'projector-1'): Promise<ProjectorProcess> {
    const projector = await startProjector({ ...this.world, env: { ...this.world.env, REGION_PEERS: peers, REGION_SECRET: secret } }, id);
    this.world.closing.unshift(() => projector.stop());
    return projector;
  }

  async kept(): Promise<number> {
    return (await this.engines.keptErasures.counts()).reduce((sum, { count }) => sum + count, 0);
  }

  /** How its own viewers and those of the other region read here. */
  async viewers(): Promise<ReadonlySet<string>> {
    const personal = this.personal();
    const records = await personal.openRecords(await readAll(this.world.log, 'playback'));
    personal.keys.stop();
    return new Set(records.map(({ value }) => readPersonal((JSON.parse(value) as { viewer: string }).viewer).is));
  }

  /** Erasures that this region put on record, not copies of others'. */
  async facts(): Promise<readonly StoredRecord[]> {
    const records = await readAll(this.world.log, 'access');
    return records.filter(({ headers }) => headers['ce_type'] === 'subject.erased' && headers['ce_origin'] === undefined);
  }
}

let north: Region;
let south: Region;
let peers: { readonly ofNorth: string; readonly ofSouth: string };

beforeAll(async () => {
  logger = await createLogger({ name: 'test', node: 'test', logFormat: 'json', logLevel: 'silent' });
  [north, south] = await Promise.all([Region.open(), Region.open()]);
  peers = { ofNorth: `south=${south.world.folder}`, ofSouth: `north=${north.world.folder}` };
});

afterAll(async () => {
  await Promise.all([north.world.close(), south.world.close()]);
});

async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isSo());) {
    if (Date.now() > end) throw new Error('It did not come to be within a minute.');
    await sleep(10);
  }
}

/** What an operator is told of the secrets of two regions. */
async function secretsCompared(): Promise<Readonly<Record<string, unknown>>> {
  const files = [join(north.world.folder, 'north.json'), join(south.world.folder, 'south.json')] as const;
  const digests = [
    runStreams(north.world, { REGION_SECRET: right }, 'region', 'digest', files[0]),
    runStreams(south.world, { REGION_SECRET: wrong }, 'region', 'digest', files[1]),
  ];
  await Promise.all(digests);
  const { out, code } = await runStreams(north.world, {}, 'region', 'compare', ...files);
  return { code, line: out.split('\n').find((line) => line.includes('REGION_SECRET')) };
}

let inSouth: ProjectorProcess;

test('what a region with a wrong secret hears of erasures it keeps, and tells once, in its log and to who compares', async () => {
  await north.watch(right);
  await south.watch(wrong);
  await north.project(peers.ofNorth, right);
  inSouth = await south.project(peers.ofSouth, wrong);
  await north.erase(right);
  await until(async () => (await south.kept()) === people.length);
  expect(await south.facts()).toEqual([]);
  expect(inSouth.lines.filter((line) => line.includes('its REGION_SECRET is another than ours'))).toHaveLength(1);
  expect(inSouth.lines.join('\n')).not.toContain(right);
  expect(await secretsCompared()).toEqual({ code: 5, line: expect.stringMatching(/^differs: REGION_SECRET\. Until it is the same in both/) });
}, 120_000);

test('once the secret is right it is done, by one of two projectors, also when that one is killed meanwhile, and is on record once', async () => {
  await inSouth.stop();
  const first = await south.project(peers.ofSouth, right);
  const second = south.project(peers.ofSouth, right, 'projector-2');
  await until(async () => (await south.kept()) < people.length);
  await first.kill();
  await second;
  await until(async () => (await south.kept()) === 0);
  const isErased = async (region: Region): Promise<boolean> => [...(await region.viewers())].join() === 'erased';
  await until(async () => (await isErased(south)) && (await isErased(north)));
  const keyIds = (await south.facts()).flatMap(({ value }) => (JSON.parse(value) as { keyIds: readonly string[] }).keyIds);
  expect(keyIds).toHaveLength(people.length);
  expect(new Set(keyIds).size).toBe(people.length);
}, 120_000);
