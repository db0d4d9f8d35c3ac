import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';

let world: World;
let gateway: RunningGateway;
let headers: { authorization: string };

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  headers = { authorization: (await world.key(['admin'])).authorization };
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const call = (method: string, path: string, body?: object, more: Record<string, string> = {}): Promise<Answer> =>
  ask(gateway.url, path, { method, headers: { ...headers, ...more }, ...(body === undefined ? {} : { body }) });

describe('encoding profiles', () => {
  test('are what a stream gets that asks for less, until they are removed; what was said itself wins', async () => {
    const path = '/api/v1/encoding-profiles';
    const ladder = [{ name: 'tiny', height: 144, videoBitrate: 200_000, codec: 'hevc' }];
    const made = await call('PUT', `${path}/small`, { ladder, audioBitrate: 64_000, segmentDurationSeconds: 4 });
    expect(made.json).toEqual({ name: 'small', tenant: 'default', description: '', ladder, audioBitrate: 64_000, segmentDurationSeconds: 4 });
    const settingsOf = async (body: object, more = {}): Promise<object> => {
      const { status, json } = await call('POST', '/api/v1/stream/start', { name: 'Profiled', ...body }, more);
      expect(status).toBe(201);
      await world.settle();
      return (await call('GET', `/api/v1/streams/${json.id}`)).json.settings;
    };
    expect(await settingsOf({ profile: 'small' })).toMatchObject({ ladder, audioBitrate: 64_000, segmentDurationSeconds: 4 });
    expect(await settingsOf({ profile: 'small', segmentDurationSeconds: 3 })).toMatchObject({ ladder, segmentDurationSeconds: 3 });
    expect((await settingsOf({})) as { ladder: object[] }).toMatchObject({ ladder: [{ name: '720p' }, { name: '480p' }, { name: '240p' }] });

    const once = { 'idempotency-key': 'before-the-default' };
    const before = await settingsOf({}, once);
    await call('PUT', `${path}/default`, { ladder });
    expect(await settingsOf({})).toMatchObject({ ladder, audioBitrate: 128_000 });
    // The same request again is the same stream, whatever the default is by now.
    expect(await settingsOf({}, once)).toEqual(before);
    expect((await call('GET', path)).json.items).toMatchObject([{ name: 'default' }, { name: 'small' }]);

    expect((await call('PUT', `${path}/odd`, { ladder: [{ ...ladder[0], height: 145 }] })).json).toMatchObject({
      type: 'urn:streams:problem:invalid-settings',
      detail: expect.stringContaining('body.ladder.0.height'),
    });
    for (const name of ['default', 'small']) expect((await call('DELETE', `${path}/${name}`)).status).toBe(204);
    expect((await call('DELETE', `${path}/small`)).status).toBe(404);
    expect((await call('POST', '/api/v1/stream/start', { name: 'x', profile: 'small' })).json).toMatchObject({ type: 'urn:streams:problem:unknown-profile' });
    expect(await settingsOf({})).toMatchObject({ ladder: [{ name: '720p' }, { name: '480p' }, { name: '240p' }] });
  });
});

describe('the sounds of a publisher', () => {
  const sounds = [
    { track: 0, language: 'en' },
    { track: 1, language: 'pt-BR', label: 'Comentário' },
  ];

  test('are what the stream was made with, also when it is asked for again', async () => {
    const once = { 'idempotency-key': 'two-languages' };
    const made = await call('POST', '/api/v1/stream/start', { name: 'Match', audioTracks: sounds }, once);
    expect(made.status).toBe(201);
    expect((await call('GET', `/api/v1/streams/${made.json.id}`)).json.settings).toMatchObject({ audioTracks: sounds });
    await world.settle();
    expect((await call('GET', `/api/v1/read-models/stream/rows?where=stream_id:${made.json.id}`)).json).toMatchObject({ rows: [{ audio_tracks: sounds }] });
    expect((await call('POST', '/api/v1/stream/start', { name: 'Match', audioTracks: sounds }, once)).json.id).toBe(made.json.id);
    expect((await call('POST', '/api/v1/stream/start', { name: 'Match', audioTracks: [sounds[0]] }, once)).status).toBe(422);
  });

  test.each([
    [[{ track: 8 }], 'audioTracks.0.track'],
    [[{ track: 0, language: 'English please' }], 'audioTracks.0.language'],
    [[{ track: 0, label: 'a "quoted" one' }], 'audioTracks.0.label'],
    [
      [
        { track: 1, label: 'a' },
        { track: 1, label: 'b' },
      ],
      'audioTracks.1.track',
    ],
    [Array.from({ length: 9 }, (_, track) => ({ track: track % 8 })), 'audioTracks'],
  ])('%j are refused, and nothing is made', async (audioTracks, field) => {
    const answer = await call('POST', '/api/v1/stream/start', { name: 'x', audioTracks });
    expect([answer.status, answer.json.detail]).toEqual([400, expect.stringContaining(field)]);
  });
});
