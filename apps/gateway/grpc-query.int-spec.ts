import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { purgeRequested, streamCreated } from '#events';
import { projections } from '#read-models';
import { QueryService } from './grpc/generated/streams/v1/query_service_pb.ts';
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

const { listTables, listPurges, getPurge, listStreams, getStream, listApiKeys, listPlaybackSessions, getParkedEvent } = QueryService.method;
const { watch } = WatchService.method;
const purges = { where: { row: { case: 'purge', value: {} } } } as const;
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
    expect(tables.map(({ name }) => name)).toEqual(projections.flatMap((each) => each.tables.map(({ name }) => name)));
  });

  test('pages meet without gap or overlap; a row is found by its key', async () => {
    const ids = await purge(25);
    await world.settle();
    const seen: string[] = [];
    for (let pageToken = ''; ;) {
      const page = await client.unary(listPurges, { pageSize: 10, pageToken });
      expect(page.purges.length).toBeLessThanOrEqual(10);
      seen.push(...page.purges.map(({ purgeId }) => purgeId));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(seen.filter((id) => ids.includes(id))).toEqual(ids.toSorted());
    const { purge: found } = await client.unary(getPurge, { purgeId: ids[3] as string });
    expect([found?.purgeId, found?.reason, found?.urls]).toEqual([ids[3], 'because', ['/x']]);
    expect((await client.unary(listPurges, { where: { reason: 'no such' } })).purges).toEqual([]);
    expect((await client.unary(listPurges, { where: { purgeId: ids[3] as string, reason: 'because' } })).purges).toEqual([found]);
  });

  test('numbers, times and structures come as such; what has no value yet is not set', async () => {
    const sample = streamCreated.schema.parse(streamCreated.samples.at(-1));
    await world.facts.publish('stream', [streamCreated.draft({ ...sample, streamId: 'st-typed' })], { producer: { id: 'typed', epoch: 1n } });
    await world.settle();
    const { stream } = await client.unary(getStream, { streamId: 'st-typed' });
    expect(stream).toMatchObject({ name: sample.name, status: 'created', audioBitrate: sample.audioBitrate, graceMs: BigInt(sample.graceMs) });
    expect(stream?.ladder).toMatchObject(sample.ladder.map((rung) => ({ ...rung, videoBitrate: BigInt(rung.videoBitrate) })));
    expect([stream?.source, stream?.encoder, stream?.firstMediaSequence]).toEqual([undefined, undefined, undefined]);
    const where = { audioBitrate: sample.audioBitrate, createdAtMs: stream?.createdAtMs as bigint, streamId: 'st-typed' };
    expect((await client.unary(listStreams, { where })).streams).toEqual([stream]);
    expect((await client.unary(listStreams, { where: { ...where, audioBitrate: 1 } })).streams).toEqual([]);
  });

  test('names what is wrong', async () => {
    const problem = async (call: Promise<unknown>): Promise<unknown> => {
      const { code, reason, fields } = await failed(call);
      return [code, reason, fields];
    };
    const invalid = (...fields: string[]): unknown => ['INVALID_ARGUMENT', 'INVALID_REQUEST', fields];
    expect(await problem(client.unary(getPurge, {}))).toEqual(invalid('purge_id'));
    expect(await problem(client.unary(getParkedEvent, { topic: 'stream', recordOffset: 0n }))).toEqual(invalid('partition', 'consumer'));
    expect(await problem(client.unary(getPurge, { purgeId: 'pg-none' }))).toEqual(['NOT_FOUND', 'UNKNOWN_ROW', []]);
    expect(await problem(client.unary(listPurges, { where: { urls: ['/x'], reason: 'a\0' } }))).toEqual(invalid('where.urls', 'where.reason'));
    expect(await problem(client.unary(listPurges, { pageToken: 'AAAA' }))).toEqual(['INVALID_ARGUMENT', 'TOKEN_INVALID', ['page_token']]);
    const { nextPageToken } = await client.unary(listPurges, { pageSize: 1 });
    expect(await problem(client.unary(listStreams, { pageToken: nextPageToken }))).toEqual(['INVALID_ARGUMENT', 'TOKEN_INVALID', ['page_token']]);
  });

  test('shows keys to admins alone, and what has no owner to nobody who sees one tenant', async () => {
    const viewer = new GrpcClient(gateway.grpc, (await world.key(['view'], { tenant: 'acme' })).authorization);
    const names = (await viewer.unary(listTables, {})).tables.map(({ name }) => name);
    expect(names).toContain('stream');
    expect(names).not.toContain('api_key');
    expect(names).not.toContain('edge');
    expect((await failed(viewer.unary(listApiKeys, {}))).code).toBe('PERMISSION_DENIED');
    expect((await failed(viewer.serverStream(watch, { where: { row: { case: 'edge', value: {} } } }).ended.then((ended) => Promise.reject(ended)))).code).toBe(
      'PERMISSION_DENIED',
    );
    await purge(1);
    await world.settle();
    expect((await viewer.unary(listPurges, {})).purges).toEqual([]);
    expect((await viewer.unary(listPlaybackSessions, {})).playbackSessions).toEqual([]);
    viewer.close();
  });
});

describe('WatchService', () => {
  const idsOf = (messages: readonly WatchResponse[]): unknown[] =>
    messages.flatMap(({ rows }) => rows.map(({ row }) => (row.case === 'purge' ? row.value.purgeId : row.case)));
  const lastToken = (messages: readonly WatchResponse[]): string => messages.findLast(({ token }) => token !== '')?.token ?? '';

  test('the rows there are, then every one that changes; a token brings those that changed since', async () => {
    const before = await purge(450);
    await world.settle();
    const reading = client.serverStream(watch, purges);
    await reading.until((messages) => lastToken(messages) !== '');
    const snapshot = reading.messages.filter((message) => message.snapshot);
    expect(idsOf(snapshot)).toEqual(expect.arrayContaining(before));
    expect(snapshot.map(({ token }) => token !== '')).toEqual(snapshot.map((_, at) => at === snapshot.length - 1));
    const fresh = await purge(5);
    await reading.until((messages) => fresh.every((id) => idsOf(messages).includes(id)));
    const token = lastToken(reading.messages);
    reading.cancel();
    const missed = await purge(30);
    const again = client.serverStream(watch, { ...purges, token });
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
      const reading = client.serverStream(watch, { ...purges, token });
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
    const last = client.serverStream(watch, { ...purges, token });
    await last.until((messages) => expected.every((id) => seen.has(id) || idsOf(messages).includes(id)));
    last.cancel();
    for (const id of idsOf(last.messages)) seen.add(id);
    expect(expected.filter((id) => !seen.has(id))).toEqual([]);
  });

  test('one row, by its key; other columns cannot be watched by, and a token is for one table and condition', async () => {
    const [one] = await purge(2);
    await world.settle();
    const where = { row: { case: 'purge', value: { purgeId: one as string } } } as const;
    const reading = client.serverStream(watch, { where });
    await reading.until((messages) => messages.length > 0);
    expect(idsOf(reading.messages)).toEqual([one]);
    const token = lastToken(reading.messages);
    reading.cancel();
    const ended = async (request: Parameters<typeof client.serverStream<typeof watch>>[1]): Promise<unknown> => {
      const { code, reason, fields } = await client.serverStream(watch, request).ended;
      return [code, reason, fields];
    };
    expect(await ended({ ...purges, token })).toEqual(['INVALID_ARGUMENT', 'TOKEN_OF_OTHER_FILTER', ['token']]);
    expect(await ended({ where: { row: { case: 'stream', value: {} } }, token })).toEqual(['INVALID_ARGUMENT', 'TOKEN_OF_OTHER_FILTER', ['token']]);
    expect(await ended({ where: { row: { case: undefined } } })).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', ['where']]);
    expect(await ended({ where: { row: { case: 'purge', value: { urls: ['/'] } } } })).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', ['where.purge.urls']]);
    expect(await ended({ where: { row: { case: 'purge', value: { reason: 'a' } } } })).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', ['where.reason']]);
  });

  test.each([
    ['the same', 0],
    ['another', 1],
  ])('ends when rows of %s version take the place of those that it began with', async (_which, raise) => {
    const reading = client.serverStream(watch, purges);
    await reading.until((messages) => lastToken(messages) !== '');
    const projection = projections.find(({ name }) => name === 'purges');
    if (projection === undefined) throw new Error('there are purges');
    const claim = { id: `rp-purges${raise}`, projection: { ...projection, version: projection.version + raise }, epoch: 1n };
    const { builds } = world.engines;
    await builds.create({ ...claim, whole: true, starts: [] });
    await builds.finish(claim);
    await builds.promote({ ...claim, behindMax: 0, fold: async () => [] });
    await purge(1);
    const { code, reason } = await reading.ended;
    expect([code, reason]).toEqual(['ABORTED', 'READ_MODEL_REBUILT']);
  });
});
