import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openEngines } from '#adapters/engines';
import { nodeLedgerHash } from '#adapters/ledger';
import { contexts } from '#events';
import { readSharedSettings } from '#runtime';
import { projections } from '#read-models';
import { history, type RecordedEvent } from './history.ts';
import { startProjector, type ProjectorProcess } from './projector-process.ts';
import { runStreams, type Ran } from './run-streams.ts';
import { caughtUp, openWorld, type World } from './world.ts';

let north: World;
let south: World;

beforeAll(async () => {
  [north, south] = await Promise.all([openWorld(), openWorld()]);
});

afterAll(async () => {
  await Promise.all([north.close(), south.close()]);
});

async function projectorOf(world: World, peers: string): Promise<ProjectorProcess> {
  const projector = await startProjector({ ...world, env: { ...world.env, REGION_PEERS: peers } });
  world.closing.push(() => projector.stop());
  return projector;
}

async function write(world: World, region: number): Promise<number> {
  const events: readonly RecordedEvent[] = history({ seed: region, streams: 6, segments: 12, edges: 3, keys: 2 });
  for (const { topic, record } of events) {
    await world.log.append(topic, [{ ...record, headers: { ...record.headers, ce_id: `0192${region}${record.headers['ce_id']?.slice(5)}` } }]);
  }
  return events.length;
}

/** As an operator does it: a digest of each region, side by side. */
async function compare(): Promise<Ran> {
  const [a, b] = [join(north.folder, 'north.json'), join(south.folder, 'south.json')];
  await runStreams(north, {}, 'region', 'digest', a);
  await writeFile(b, (await runStreams(south, {}, 'region', 'digest')).out);
  return runStreams(north, {}, 'region', 'compare', a, b, '--json');
}

async function equalRegions(): Promise<void> {
  let ran = await compare();
  for (const until = Date.now() + 60_000; ran.code !== 0 && Date.now() < until; ran = await compare()) await sleep(200);
  expect(JSON.parse(ran.out)).toEqual({ equal: true, rows: true, secrets: 'none', parts: [], moving: [] });
}

/** Moves all that a region has written so far to its blob store. @returns how many segments that made */
async function seal(world: World): Promise<number> {
  const { sealedLog, close } = await openEngines(readSharedSettings({ ...world.env, STREAMS_DATA_DIR: world.folder }), 'log');
  const sealer = sealedLog.sealer(1n, nodeLedgerHash);
  let segments = 0;
  try {
    for (const topic of contexts) {
      for (const { partition, high } of await sealedLog.heads(topic)) {
        const bounds = { until: high, recordsMax: 1000, charactersMax: 1e9, nowMs: Date.now() };
        if ((await sealer.seal({ topic, partition, ...bounds, leafOf: async () => 0, prove: async () => undefined })) === undefined) continue;
        expect(await sealer.trim(topic, partition, high)).toBe(true);
        segments++;
      }
    }
  } finally {
    await close();
  }
  return segments;
}

let inSouth: ProjectorProcess;

test('projectors that are told of each other make both regions equal, whatever is killed meanwhile', async () => {
  const [toSouth, toNorth] = [`south=${south.folder}`, `north=${north.folder}`];
  const first = await projectorOf(north, toSouth);
  inSouth = await projectorOf(south, toNorth);
  await write(south, 2);
  const writing = write(north, 1);
  await first.kill();
  await projectorOf(north, toSouth);
  await writing;
  await equalRegions();
  for (const world of [north, south]) await caughtUp(world, projections);
});

test("what a region has sealed meanwhile is read from that region's own blobs; where they are missing it is told whose they are", async () => {
  await inSouth.stop();
  await write(north, 4);
  await caughtUp(north, projections);
  expect(await seal(north)).toBeGreaterThan(5);
  const [blobs, away] = [join(north.folder, 'blobs'), join(north.folder, 'blobs-elsewhere')];
  await rename(blobs, away);
  inSouth = await projectorOf(south, `north=${north.folder}`);
  const told = (): boolean =>
    inSouth.lines.some((line) => line.includes(`past of the region north cannot be read in ${blobs}`) && line.includes('REGION_PEER_BLOBS'));
  for (const until = Date.now() + 20_000; !told() && Date.now() < until;) await sleep(50);
  expect(told()).toBe(true);
  // The region itself may have made the folder anew meanwhile.
  await cp(away, blobs, { recursive: true });
  await equalRegions();
}, 120_000);

test('without DATABASE_URL the rows are those of the embedded server that runs there', async () => {
  const [embedded, run] = [{ ...south, databaseUrl: '' }, join(south.folder, 'run')];
  const digestOf = async (world: World): Promise<{ readonly rows: boolean; readonly parts: object }> =>
    JSON.parse((await runStreams(world, {}, 'region', 'digest')).out) as never;
  const without = await runStreams(embedded, {}, 'region', 'digest', join(south.folder, 'without.json'));
  expect(without.out).toContain('none of rows: DATABASE_URL is not set, and no PostgreSQL of this data folder runs');
  await mkdir(run, { recursive: true });
  await writeFile(join(run, 'postgres.json'), JSON.stringify({ url: south.databaseUrl }));
  const { parts, rows } = await digestOf(embedded);
  expect([rows, parts]).toEqual([true, (await digestOf(south)).parts]);
  await rm(join(run, 'postgres.json'));
});

test('a row that was altered in one region alone is named', async () => {
  const client = new pg.Client({ connectionString: south.databaseUrl });
  await client.connect();
  const version = projections.find(({ name }) => name === 'streams')?.version;
  const table = `streams_v${version}.stream`;
  await client.query(`UPDATE ${table} SET name = 'another' WHERE stream_id = (SELECT min(stream_id) FROM ${table})`);
  await client.end();
  const { code, out } = await compare();
  expect(code).toBe(5);
  expect(JSON.parse(out)).toMatchObject({ equal: false, parts: [expect.stringMatching(/^stream \d+ of 12$/)] });
});

test('a peer that is this region itself, or is not there, is told and does not stop the projector', async () => {
  const alone = await openWorld();
  const projector = await startProjector({ ...alone, env: { ...alone.env, REGION_PEERS: `me=${alone.folder};gone=${alone.folder}/nowhere` } }, 'projector-2');
  alone.closing.push(() => projector.stop());
  try {
    const told = (what: string): boolean => projector.lines.some((line) => line.includes(what));
    for (const until = Date.now() + 20_000; !(told("region's own log as me") && told('no event log of gone')) && Date.now() < until;) await sleep(50);
    expect(told("region's own log as me")).toBe(true);
    expect(told('no event log of gone')).toBe(true);
    await write(alone, 3);
    await caughtUp(alone, projections);
  } finally {
    await alone.close();
  }
});
