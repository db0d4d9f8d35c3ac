import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { purgeRequested } from '#events';
import { readModels } from './watch/read-models.ts';
import { QueryService, type Row } from './grpc/generated/streams/v1/query_service_pb.ts';
import { WatchService, type WatchResponse } from './grpc/generated/streams/v1/watch_service_pb.ts';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { GrpcClient, type Ended } from './testing/grpc-client.ts';

let world: World;
let gateway: RunningGateway;
let client: GrpcClient;

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  client = new GrpcClient(gateway.grpc, (await world.key(['admin'])).authorization);
});

afterAll(async () => {
  client.close();
  await gateway.stop();
  await world.close();
});

const { listTables, listRows, getRow } = QueryService.method;
const { watch } = WatchService.method;
const text = (value: string) => ({ value: { case: 'text', value } }) as const;
const valueOf = (row: Row | undefined, column: string): unknown => row?.columns[column]?.value.value;
const failed = (call: Promise<unknown>): Promise<Ended> =>
  call.then(
    () => Promise.reject(new Error('it was accepted')),
    (ended: Ended) => ended,
  );

let made = 0;
async function purge(times: number): Promise<string[]> {
  const ids = Array.from({ length: times }, () => `pg-${'d'.repeat(8)}${String(made++).padStart(4, '0')}`);
  await world.facts.publish(
    'cache',
    ids.map((purgeId) => purgeRequested.draft({ purgeId, urls: ['/x'], reason: 'because' })),
    { producer: { id: 'test', epoch: 1n } },
  );
  return ids;
}

describe('QueryService', () => {
  test('lists every table of every read model, for who may see all', async () => {
    const { tables } = await client.unary(listTables, {});
    expect(tables.map(({ name }) => name)).toEqual(readModels.flatMap((each) => each.tables.map(({ name }) => name)));
  });

  test('pages meet without gap or overlap; a row is found by its key', async () => {
    const ids = await purge(25);
    await world.settle();
    const seen: unknown[] = [];
    for (let pageToken = ''; ;) {
      const page = await client.unary(listRows, { table: 'purge', pageSize: 10, pageToken });
      seen.push(...page.rows.map((row) => valueOf(row, 'purge_id')));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(seen.filter((id) => ids.includes(String(id)))).toEqual(ids.toSorted());
    const { row } = await client.unary(getRow, { table: 'purge', key: { purge_id: text(ids[3] as string) } });
    expect([valueOf(row, 'purge_id'), valueOf(row, 'reason'), valueOf(row, 'urls')]).toEqual([ids[3], 'because', '["/x"]']);
    expect((await client.unary(listRows, { table: 'purge', where: { reason: text('no such') } })).rows).toEqual([]);
  });

  test('names what is wrong', async () => {
    const problem = async (call: Promise<unknown>): Promise<unknown> => {
      const { code, reason, fields } = await failed(call);
      return [code, reason, fields];
    };
    expect(await problem(client.unary(listRows, { table: 'nothing' }))).toEqual(['NOT_FOUND', 'UNKNOWN_TABLE', []]);
    expect(await problem(client.unary(getRow, { table: 'purge' }))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', ['key.purge_id']]);
    expect(await problem(client.unary(getRow, { table: 'purge', key: { purge_id: text('pg-none') } }))).toEqual(['NOT_FOUND', 'UNKNOWN_ROW', []]);
    const where = { nothing: text('a'), reason: { value: { case: 'integer', value: 1n } } } as const;
    expect(await problem(client.unary(listRows, { table: 'purge', where }))).toEqual([
      'INVALID_ARGUMENT',
      'INVALID_REQUEST',
      ['where.nothing', 'where.reason'],
    ]);
    expect(await problem(client.unary(listRows, { table: 'purge', pageToken: 'AAAA' }))).toEqual(['INVALID_ARGUMENT', 'TOKEN_INVALID', ['page_token']]);
  });

  test('shows keys to admins alone, and what has no owner to nobody who sees one tenant', async () => {
    const viewer = new GrpcClient(gateway.grpc, (await world.key(['view'], { tenant: 'acme' })).authorization);
    const names = (await viewer.unary(listTables, {})).tables.map(({ name }) => name);
    expect(names).toContain('stream');
    expect(names).not.toContain('api_key');
    expect(names).not.toContain('edge');
    expect((await failed(viewer.unary(listRows, { table: 'api_key' }))).code).toBe('PERMISSION_DENIED');
    expect((await failed(viewer.serverStream(watch, { table: 'edge' }).ended.then((ended) => Promise.reject(ended)))).code).toBe('PERMISSION_DENIED');
    await purge(1);
    await world.settle();
    expect((await viewer.unary(listRows, { table: 'purge' })).rows).toEqual([]);
    viewer.close();
  });
});

describe('WatchService', () => {
  const idsOf = (messages: readonly WatchResponse[]): unknown[] => messages.flatMap(({ rows }) => rows.map((row) => valueOf(row, 'purge_id')));
  const lastToken = (messages: readonly WatchResponse[]): string => messages.findLast(({ token }) => token !== '')?.token ?? '';

  test('the rows there are, then every one that changes; a token brings those that changed since', async () => {
    const before = await purge(450);
    await world.settle();
    const reading = client.serverStream(watch, { table: 'purge' });
    await reading.until((messages) => lastToken(messages) !== '');
    const snapshot = reading.messages.filter((message) => message.snapshot);
    expect(idsOf(snapshot)).toEqual(expect.arrayContaining(before));
    expect(snapshot.map(({ token }) => token !== '')).toEqual(snapshot.map((_, at) => at === snapshot.length - 1));
    const fresh = await purge(5);
    await reading.until((messages) => fresh.every((id) => idsOf(messages).includes(id)));
    const token = lastToken(reading.messages);
    reading.cancel();
    const missed = await purge(30);
    const again = client.serverStream(watch, { table: 'purge', token });
    await again.until((messages) => missed.every((id) => idsOf(messages).includes(id)));
    again.cancel();
    expect(idsOf(again.messages).toSorted()).toEqual(missed.toSorted());
    expect(again.messages.every((message) => !message.snapshot)).toBe(true);
  });

  test('a snapshot under fire, broken off again and again: in the end every row was there', async () => {
    const expected: string[] = [];
    const seen = new Set<unknown>();
    let token = '';
    for (let round = 0; round < 6; round++) {
      const reading = client.serverStream(watch, { table: 'purge', token });
      const writing = (async () => {
        for (let at = 0; at < 10; at++) expected.push(...(await purge(7)));
      })();
      await reading.until((messages) => messages.length > round % 2);
      const got = [...reading.messages];
      reading.cancel();
      await writing;
      // What came after the last token may come again, and has to.
      const kept = got.slice(0, got.findLastIndex((message) => message.token !== '') + 1);
      for (const id of idsOf(kept)) seen.add(id);
      token = lastToken(kept) || token;
    }
    const last = client.serverStream(watch, { table: 'purge', token });
    await last.until((messages) => expected.every((id) => seen.has(id) || idsOf(messages).includes(id)));
    last.cancel();
    for (const id of idsOf(last.messages)) seen.add(id);
    expect(expected.filter((id) => !seen.has(id))).toEqual([]);
  });

  test('one row, by its key; other columns cannot be watched by, and a token is for one table and condition', async () => {
    const [one] = await purge(2);
    await world.settle();
    const where = { purge_id: text(one as string) };
    const reading = client.serverStream(watch, { table: 'purge', where });
    await reading.until((messages) => messages.length > 0);
    expect(idsOf(reading.messages)).toEqual([one]);
    const token = lastToken(reading.messages);
    reading.cancel();
    const ended = async (request: Parameters<typeof client.serverStream<typeof watch>>[1]): Promise<unknown> => {
      const { code, reason, fields } = await client.serverStream(watch, request).ended;
      return [code, reason, fields];
    };
    expect(await ended({ table: 'purge', token })).toEqual(['INVALID_ARGUMENT', 'TOKEN_OF_OTHER_FILTER', ['token']]);
    expect(await ended({ table: 'stream', token })).toEqual(['INVALID_ARGUMENT', 'TOKEN_OF_OTHER_FILTER', ['token']]);
    expect(await ended({ table: 'purge', where: { reason: text('a') } })).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', ['where.reason']]);
  });

  test('ends when its read model is rebuilt as another version', async () => {
    const reading = client.serverStream(watch, { table: 'purge' });
    await reading.until((messages) => lastToken(messages) !== '');
    const purges = readModels.find(({ name }) => name === 'purges');
    if (purges === undefined) throw new Error('there are purges');
    const claim = { id: 'rp-purges', projection: { ...purges, version: purges.version + 1 }, epoch: 1n };
    const { builds } = world.engines;
    await builds.create({ ...claim, whole: true, starts: [] });
    await builds.finish(claim);
    await builds.promote({ ...claim, behindMax: 0, fold: async () => [] });
    await purge(1);
    const { code, reason } = await reading.ended;
    expect([code, reason]).toEqual(['ABORTED', 'READ_MODEL_REBUILT']);
  });
});
