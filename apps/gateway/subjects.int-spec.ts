import { playbackSessionTable } from '#domain/playback';
import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import { Database } from '#adapters/postgres';
import { contexts, readPersonal, type StoredRecord } from '#events';
import { pause, PersonalData, RegionSecrets, SubjectKeys } from '#runtime';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import type { EventBody } from './testing/answer-body.ts';
import { ask, type Answer } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';

/** Found nowhere else by chance. */
const viewer = 'v-Ada.Lovelace-4711';
const player = 'Babbage-Engine/1843';
const address = '203.0.113.199';

let engines: Awaited<ReturnType<typeof realEngines>>;
let world: World;
let gateways: readonly [RunningGateway, RunningGateway];
let admin: { readonly authorization: string };

beforeAll(async () => {
  engines = await realEngines();
  world = await World.open(engines);
  // A second process: it has keys of its own in memory.
  const deps = {
    store: engines.subjectKeys,
    master: engines.master,
    clock: engines.clock,
    logger: pino({ level: 'silent' }),
    secrets: new RegionSecrets({ current: 'a-secret-of-regions' }),
  };
  const other = { ...engines, personal: new PersonalData(new SubjectKeys({ pollMs: 200 }, deps)) };
  gateways = [await startGateway(engines, world.consolePath), await startGateway(other, world.consolePath)];
  admin = await world.key(['admin'], { tenant: '*' });
}, 60_000);

afterAll(async () => {
  for (const gateway of gateways ?? []) await gateway.stop();
  await world?.close();
});

const call = (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = admin, at = 0): Promise<Answer> =>
  ask((gateways[at] as RunningGateway).url, path, { method, headers, ...(body === undefined ? {} : { body }) });

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(20);
}

let events = 0;
async function watch(sessionId: string, who: string | undefined, headers = admin): Promise<void> {
  const data = { sessionId, assetKind: 'stream', assetId: 'st-1', startupMs: 800, player, viewer: who };
  const answer = await call('POST', '/api/v1/events', { specversion: '1.0', id: `e-${++events}`, source: '/player', type: 'playback.started', data }, headers);
  expect(answer).toMatchObject({ status: 200 });
  await world.settle();
}

const erase = (subject: string, more: object = {}, headers = admin) =>
  call('POST', '/api/v1/subjects/erase', { subject, reason: 'asked for it', ...more }, headers);
const exported = (subject: string, headers = admin) => call('POST', '/api/v1/subjects/export', { subject, reason: 'asked what there is' }, headers);
const listed = async (at = 0): Promise<readonly EventBody[]> =>
  (await call('GET', '/api/v1/events?type=playback.started&limit=1000&order=oldest', undefined, admin, at)).json.items;
const playbacks = async (query = '', at = 0): Promise<ReadonlyArray<Record<string, string>>> =>
  (await call('GET', `/api/v1/playbacks?limit=1000&reveal=a+test${query}`, undefined, admin, at)).json.items as unknown as ReadonlyArray<
    Record<string, string>
  >;

async function rawRecords(): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (const topic of contexts) {
    for (const { partition, low, high } of await engines.log.heads(topic)) {
      for (let from = low; from < high;) {
        const batch = await engines.log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 4_194_304, waitMs: 0 });
        records.push(...batch.records);
        from = batch.next;
      }
    }
  }
  return records;
}

/** Files under a folder in which one of the texts stands, as bytes. */
async function filesWith(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => Buffer.alloc(0));
    if (texts.some((text) => bytes.includes(text))) found.push(entry.name);
  }
  return found;
}

async function databaseFolder(): Promise<string> {
  const database = new Database({ url: engines.databaseUrl });
  const { rows } = await database.read({ text: 'SHOW data_directory' });
  await database.run({ text: 'CHECKPOINT' });
  await database.close();
  return rows[0]?.[0] ?? '';
}

describe('personal data', () => {
  test('is read in clear by who says why, from events and rows, masked by others, and found by whom it tells of', async () => {
    await watch('ps-1', viewer);
    await watch('ps-2', undefined);
    expect((await listed()).map(({ data }) => data['viewer'])).toEqual(['***', undefined]);
    const { id } = (await listed())[0] as EventBody;
    expect((await call('GET', `/api/v1/events/${id}?reveal=a+test`)).text).toContain(viewer);
    expect((await playbacks(`&viewer=${viewer}`)).map(({ id, viewer: who, player: what }) => [id, who, what])).toEqual([['ps-1', viewer, player]]);
    const live = new SseClient();
    await live.open(gateways[0].url, '/api/v1/events/live?type=playback.started&from=beginning', admin);
    await live.until(1);
    expect(live.messages[0]?.event).toMatchObject({ data: { viewer: '***', player: '***' } });
    live.close();
  });

  test('is nowhere in clear: not in the log, the database, its journal, blobs', async () => {
    expect(await filesWith(engines.folder, [viewer])).toEqual([]);
    expect(await filesWith(await databaseFolder(), [viewer])).toEqual([]);
    // What names nobody is stored as it is: the search would find it.
    expect(await filesWith(engines.folder, ['ps-2'])).not.toEqual([]);
    expect(await filesWith(await databaseFolder(), ['ps-2'])).not.toEqual([]);
  });

  test('of a refusal is encrypted too, and one row however often it happens', async () => {
    const refused = () => ask(gateways[0].url, '/api/v1/streams', { headers: { 'x-forwarded-for': address } });
    for (let at = 0; at < 3; at++) expect((await refused()).status).toBe(401);
    await until(async () => (await call('GET', '/api/v1/refusals?reason=no-credential')).json.items.length > 0);
    expect((await call('GET', '/api/v1/refusals?reason=no-credential&reveal=a+test')).json.items).toMatchObject([{ address: '127.0.0.1' }]);
    expect((await call('GET', '/api/v1/refusals?reason=no-credential')).json.items).toMatchObject([{ address: expect.stringMatching(/^\*\*\*[\da-f]{12}$/) }]);
    expect(
      JSON.stringify(
        (await rawRecords()).filter(({ headers }) => headers['ce_type'] === 'access.refused'),
        text,
      ),
    ).not.toContain('127.0.0.1');
  });

  test('is exported: every event and row, in clear, and that is an event', async () => {
    const answer = await exported(`viewer:${viewer}`);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      keys: [{ tenant: 'default', erasedAt: null }],
      events: [{ type: 'playback.started', data: { sessionId: 'ps-1', viewer, player } }],
    });
    // Viewer and player are both hers, and the row is one.
    const sessions = answer.json.rows.filter(({ table }) => table === 'playback_session');
    expect(sessions).toEqual([{ table: 'playback_session', row: expect.objectContaining({ session_id: 'ps-1', viewer, player }) }]);
    await world.settle();
    const onRecord = (await rawRecords()).filter(({ headers }) => headers['ce_type'] === 'subject.exported');
    expect(onRecord).toHaveLength(1);
    expect(JSON.stringify(onRecord, text)).not.toContain(viewer);
  });

  test('is erased: a tombstone in every process, the record as it was, the rows as they were', async () => {
    await listed(1);
    const [records, rows] = [await rawRecords(), await engines.reads.select(playbackSessionTable, { limit: 100 })];
    const answer = await erase(`viewer:${viewer}`);
    expect(answer).toMatchObject({ status: 200, json: { alreadyErased: false, keys: [{ tenant: 'default', erasedAt: expect.any(String) }] } });
    const { keyId, erasedAt } = answer.json.keys[0] ?? {};
    const tombstone = { is: 'erased', keyId, at: erasedAt };
    const seen = async (at: number) =>
      [...(await listed(at)).map(({ data }) => data['viewer']), ...(await playbacks('', at)).map((row) => row['viewer'])].filter(Boolean);
    for (const at of [0, 1]) {
      // The other process hears of it in a moment.
      await until(async () => !(await seen(at)).includes(viewer));
      expect((await seen(at)).map((one) => readPersonal(one as string))).toEqual([tombstone, tombstone]);
    }
    await world.settle();
    const after = await rawRecords();
    // Who looks at personal data is on record each time.
    const others = (all: readonly StoredRecord[]) =>
      all.filter(({ headers }) => !['subject.erased', 'personal-data.viewed'].includes(headers['ce_type'] ?? ''));
    expect(others(after)).toEqual(others(records));
    expect(after.filter(({ headers }) => headers['ce_type'] === 'subject.erased')).toHaveLength(1);
    expect(await engines.reads.select(playbackSessionTable, { limit: 100 })).toEqual(rows);
    expect(await playbacks(`&viewer=${viewer}`)).toEqual([]);
    expect(await filesWith(await databaseFolder(), [viewer])).toEqual([]);
  });

  test('that is erased is erased again without harm, and of whom nothing is known is said so', async () => {
    expect(await erase(`viewer:${viewer}`)).toMatchObject({ status: 200, json: { alreadyErased: true, keys: [{}] } });
    await world.settle();
    expect((await rawRecords()).filter(({ headers }) => headers['ce_type'] === 'subject.erased')).toHaveLength(1);
    expect(await erase('viewer:v-nobody')).toMatchObject({ status: 404, json: { type: 'urn:streams:problem:unknown-subject' } });
    expect(await exported('viewer:v-nobody')).toMatchObject({ status: 404 });
    expect(await erase('nonsense')).toMatchObject({ status: 400 });
    for (const reason of [' ', 'x', 'x  y'])
      expect(await erase(`viewer:${viewer}`, { reason })).toMatchObject({
        status: 400,
        json: { errors: [{ field: 'body.reason', message: 'Say why, in 3 letters or more.' }] },
      });
    for (const path of ['/api/v1/subjects/erase', '/api/v1/subjects/export']) {
      const named = await call('POST', path, { subject: `viewer:${viewer}`, reason: `${viewer.toLowerCase()} asked for it` });
      expect(named).toMatchObject({ status: 400, json: { errors: [{ field: 'body.reason', message: expect.stringContaining('names whom it is about') }] } });
    }
    expect((await exported(`viewer:${viewer}`)).text).not.toContain(`"${viewer}"`);
  });

  test('is erased in other regions too, where they share a secret, also when it is not known here', async () => {
    expect((await erase('viewer:nobody-here')).status).toBe(404);
    const answer = await call('POST', '/api/v1/subjects/erase', { subject: 'viewer:nobody-here', reason: 'asked for it' }, admin, 1);
    expect([answer.status, answer.json]).toMatchObject([200, { keys: [], alreadyErased: true, elsewhere: 'told' }]);
    await world.settle();
    const told = (await rawRecords()).find(({ headers, value }) => headers['ce_type'] === 'subject.erased' && value.includes('"shared"'));
    const stands = expect.stringMatching(/^[\w-]{22}$/);
    expect(JSON.parse(told?.value ?? '')).toMatchObject({ keyIds: [], shared: stands, check: stands, ofTenant: null });
    expect(told?.value).not.toContain('nobody-here');
  });

  test('that another region erased by a secret which nobody here knows waits, and says why', async () => {
    const heard = { eventId: 'e-kept', origin: 'north', subject: 's', check: 'c', heardAtMs: Date.parse('2026-11-26T10:00:00Z'), order: {} };
    await engines.keptErasures.keep(heard);
    const kept = async (at: number) => (await call('GET', '/api/v1/subjects/keys', undefined, admin, at)).json.kept;
    const told = { region: 'north', count: 1, oldestAt: '2026-11-26T10:00:00.000Z' };
    expect([await kept(0), await kept(1)]).toEqual([[{ ...told, why: 'no-secret' }], [{ ...told, why: 'another-secret' }]]);
    await engines.keptErasures.settle(['e-kept']);
    expect(await kept(0)).toEqual([]);
  });

  test('erased at once by many is erased once', async () => {
    await watch('ps-3', 'v-many');
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) => call('POST', '/api/v1/subjects/erase', { subject: 'viewer:v-many', reason: 'a test' }, admin, at % 2)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(answers.map(({ json }) => json.alreadyErased).toSorted()).toEqual([false, true, true, true, true, true]);
    await world.settle();
    const [keyId] = new Set(answers.map(({ json }) => json.keys[0]?.keyId));
    const told = (await rawRecords()).filter(({ headers, value }) => headers['ce_type'] === 'subject.erased' && value.includes(keyId as string));
    expect(told).toHaveLength(1);
  });

  test('of who comes back is new data, under a new key', async () => {
    await watch('ps-4', viewer);
    expect((await playbacks(`&viewer=${viewer}`)).map(({ id }) => id)).toEqual(['ps-4']);
    const { keys, events: told } = (await exported(`viewer:${viewer}`)).json;
    expect(keys).toHaveLength(2);
    expect(told.map(({ data }) => readPersonal(data['viewer'] ?? '').is)).toEqual(expect.arrayContaining(['erased', 'clear']));
  });

  test('of one tenant is not another’s, though both call it alike', async () => {
    const [acme, globex] = [await world.key(['admin'], { tenant: 'acme' }), await world.key(['admin'], { tenant: 'globex' })];
    for (const [id, headers] of [['ps-a', acme] as const, ['ps-g', globex] as const]) await watch(id, 'v-both', { authorization: headers.authorization });
    expect(await erase('viewer:v-both', {}, { authorization: acme.authorization })).toMatchObject({ status: 200, json: { keys: [{ tenant: 'acme' }] } });
    const viewers = Object.fromEntries((await playbacks()).map((row) => [row['id'], readPersonal(row['viewer'] ?? '').is]));
    expect(viewers).toMatchObject({ 'ps-a': 'erased', 'ps-g': 'clear' });
    expect((await erase('viewer:v-4711', {}, { authorization: globex.authorization })).status).toBe(404);
    // That the first was erased is nothing to the second, who erases its own.
    expect(await exported('viewer:v-both', { authorization: globex.authorization })).toMatchObject({ status: 200, json: { keys: [{ tenant: 'globex' }] } });
    expect(await erase('viewer:v-both', {}, { authorization: globex.authorization })).toMatchObject({ status: 200, json: { keys: [{ tenant: 'globex' }] } });
  });

  test('of several tenants is erased and exported at once by who sees them all, and on the record of each with its own keys alone', async () => {
    const [acme, globex] = [await world.key(['admin'], { tenant: 'acme' }), await world.key(['admin'], { tenant: 'globex' })];
    for (const [id, headers] of [['ps-a2', acme] as const, ['ps-g2', globex] as const]) await watch(id, 'v-all', { authorization: headers.authorization });
    expect((await exported('viewer:v-all')).status).toBe(200);
    const { json } = await call('POST', '/api/v1/subjects/erase', { subject: 'viewer:v-all', reason: 'ticket' }, admin, 1);
    expect(json).toMatchObject({ alreadyErased: false, elsewhere: 'told' });
    await world.settle();
    const keyOf = (tenant: string): readonly string[] => json.keys.filter((key) => key.tenant === tenant).map(({ keyId }) => keyId);
    const ofSubject = async () => (await rawRecords()).filter(({ value }) => (JSON.parse(value) as { subject?: string }).subject === json.subject);
    const told = (await ofSubject()).map(({ headers, value }) => {
      const { keyIds, shared, ofTenant } = JSON.parse(value) as { keyIds: readonly string[]; shared?: string; ofTenant?: string | null };
      return [headers['ce_type'], headers['ce_tenant'], keyIds, shared !== undefined, ofTenant];
    });
    expect(told.toSorted()).toEqual([
      ['subject.erased', 'acme', keyOf('acme'), false, undefined],
      // The platform's own tells other regions of all.
      ['subject.erased', 'default', [], true, null],
      ['subject.erased', 'globex', keyOf('globex'), false, undefined],
      ['subject.exported', 'acme', keyOf('acme'), false, undefined],
      ['subject.exported', 'globex', keyOf('globex'), false, undefined],
    ]);
    // One tenant's, by who sees them all, is on that tenant's record.
    await watch('ps-a3', 'v-all', { authorization: acme.authorization });
    await erase('viewer:v-all', { tenant: 'acme' });
    await world.settle();
    const last = (await ofSubject()).filter(({ headers }) => headers['ce_type'] === 'subject.erased' && headers['ce_tenant'] === 'acme').at(-1);
    expect(JSON.parse(last?.value ?? '')).toMatchObject({ tenant: 'acme', keyIds: [expect.any(String)] });
  });

  test('that was erased is not confirmed by publishing an event again with a guess, also under a new master key', async () => {
    await watch('ps-guessed', 'v-guessed');
    const { length } = await listed();
    const again = (who: string, at = 0) => {
      const data = { sessionId: 'ps-guessed', assetKind: 'stream', assetId: 'st-1', startupMs: 800, player, viewer: who };
      const event = { specversion: '1.0', id: `e-${events}`, source: '/player', type: 'playback.started', data };
      return call('POST', '/api/v1/events', event, admin, at);
    };
    expect(await again('v-guessed', 1)).toMatchObject({ status: 200, text: expect.stringContaining('"duplicate":true') });
    expect(await again('v-wrong')).toMatchObject({ status: 409, json: { type: 'urn:streams:problem:event-id-conflict' } });
    await erase('viewer:v-guessed');
    await call('POST', '/api/v1/subjects/keys/rotate', { reason: 'backups' });
    const [right, wrong] = [await again('v-guessed'), await again('v-wrong')];
    expect(right.status).toBe(409);
    expect([right.json.type, right.json.detail]).toEqual([wrong.json.type, wrong.json.detail]);
    expect(await listed()).toHaveLength(length);
  });

  test('goes under a new master key, and the one before opens nothing any more', async () => {
    const before = await engines.master.newest();
    expect((await call('POST', '/api/v1/subjects/keys/rotate', { reason: 'yearly' })).json).toMatchObject({ rewrapped: expect.any(Number) });
    const { masterKey, byMasterKey } = (await call('GET', '/api/v1/subjects/keys')).json;
    expect(masterKey).not.toBe(before);
    expect(Object.keys(byMasterKey)).toEqual([masterKey]);
    const both = await Promise.all([0, 1].map((at) => call('POST', '/api/v1/subjects/keys/rotate', { reason: 'twice at once' }, admin, at)));
    for (const { status } of both) expect([200, 409]).toContain(status);
    expect(both.some(({ status }) => status === 200)).toBe(true);
    await expect(engines.master.unwrap({ masterId: before, wrapped: Buffer.alloc(60) })).rejects.toMatchObject({ code: 'MASTER_KEY_MISSING' });
    const fresh = new PersonalData(
      new SubjectKeys({}, { store: engines.subjectKeys, master: engines.master, clock: engines.clock, logger: pino({ level: 'silent' }) }),
    );
    expect((await fresh.openRecords(await rawRecords())).some(({ value }) => value.includes(`"${viewer}"`))).toBe(true);
    await watch('ps-5', 'v-after');
    expect((await playbacks('&viewer=v-after')).map(({ id }) => id)).toEqual(['ps-5']);
  });

  test('without its master key is locked, and what names nobody goes on', async () => {
    const strange = new LocalMasterKey(new MemoryKeyRing());
    const deps = { store: engines.subjectKeys, master: strange, clock: engines.clock, logger: pino({ level: 'silent' }) };
    await using lost = await startGateway({ ...engines, master: strange, personal: new PersonalData(new SubjectKeys({}, deps)) }, world.consolePath);
    const items = (await ask(lost.url, '/api/v1/playbacks?limit=1000&reveal=a+test', { headers: admin })).json.items as unknown as ReadonlyArray<
      Record<string, string>
    >;
    expect(items.find(({ id }) => id === 'ps-5')).toMatchObject({ viewer: expect.stringMatching(/^locked:/) });
    const publish = (id: string, who?: string) =>
      ask(lost.url, '/api/v1/events', {
        ...{ method: 'POST', headers: admin },
        body: {
          specversion: '1.0',
          id,
          source: '/p',
          type: 'playback.started',
          data: { sessionId: id, assetKind: 'stream', assetId: 's', startupMs: 1, viewer: who },
        },
      });
    expect((await publish('e-lost-1')).status).toBe(200);
    const locked = await publish('e-lost-2', 'v-x');
    expect(locked).toMatchObject({ status: 503, json: { type: 'urn:streams:problem:master-key-missing', detail: expect.stringContaining('gives it up') } });
    for (const path of ['/api/v1/subjects/erase', '/api/v1/subjects/export']) {
      const refused = await ask(lost.url, path, { method: 'POST', headers: admin, body: { subject: 'viewer:v-after', reason: 'asked for it' } });
      expect(refused).toMatchObject({ status: 409, json: { type: 'urn:streams:problem:master-key-missing', detail: expect.stringContaining('give it up') } });
    }
    // It is given up by name, by who does not have it, and no other is.
    const { byMasterKey, live } = (await call('GET', '/api/v1/subjects/keys')).json;
    const [masterKey] = Object.keys(byMasterKey);
    const giveUp = (url: string, key: string | undefined) =>
      ask(url, '/api/v1/subjects/keys/give-up', { method: 'POST', headers: admin, body: { masterKey: key, reason: 'the disk broke' } });
    expect(await giveUp(gateways[0].url, masterKey)).toMatchObject({ status: 409, json: { type: 'urn:streams:problem:master-key-there' } });
    expect(await giveUp(lost.url, await strange.newest())).toMatchObject({ status: 404 });
    // The key of names is counted, and is nobody's.
    const given = await giveUp(lost.url, masterKey);
    expect([given.status, given.json]).toEqual([200, { masterKey: await strange.newest(), destroyed: live - 1 }]);
    const after = (await ask(lost.url, '/api/v1/playbacks?limit=1000&reveal=a+test', { headers: admin })).json.items as unknown as typeof items;
    expect(after.find(({ id }) => id === 'ps-5')).toMatchObject({ viewer: expect.stringMatching(/^erased:/) });
    expect((await publish('e-lost-2', 'v-x')).status).toBe(200);
    await world.settle();
    const told = (await rawRecords()).filter(({ headers }) => headers['ce_type'] === 'master-key.given-up').map(({ value }) => JSON.parse(value) as object);
    expect(told).toEqual([{ masterId: masterKey, keyIds: Array(live - 1).fill(expect.any(String)), reason: 'the disk broke' }]);
  });

  test('is nobody’s business without the right', async () => {
    const viewing = await world.key(['view', 'operate']);
    for (const path of ['/api/v1/subjects/erase', '/api/v1/subjects/export'])
      expect((await call('POST', path, { subject: `viewer:${viewer}`, reason: 'a test' }, { authorization: viewing.authorization })).status).toBe(403);
  });
});

function text(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
