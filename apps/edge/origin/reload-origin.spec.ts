import { fieldValue, type Fields } from '#core/http-cache';
import { describe, expect, test } from '@jest/globals';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { GuardedRequest } from './guarded-origin.ts';
import type { OriginResponse } from './origin-client.ts';
import { ReloadOrigin } from './reload-origin.ts';

const target = '/live/st-aaaaaaaa/240p.m3u8?_HLS_msn=7&_HLS_part=1&_HLS_skip=YES';
const text = `#EXTM3U\n${'#EXT-X-PART:DURATION=0.5\n'.repeat(40)}`;
const told: Fields = [
  ['etag', '"a"'],
  ['vary', 'Accept-Encoding'],
  ['cache-control', 'public, max-age=2'],
];

function response(body: string, fields: Fields = told, status = 200): OriginResponse {
  let left: Uint8Array | undefined = Buffer.from(body);
  const read = async (): Promise<Uint8Array | undefined> => {
    const sent = left;
    left = undefined;
    return sent;
  };
  return { status, fields: [...fields, ['content-length', String(body.length)]], body: { read, cancel: () => undefined } };
}

/** An origin that holds every request until it is told. */
function held() {
  const state = { nowMs: 0, generation: 1 };
  const asked: GuardedRequest[] = [];
  const answers: Array<PromiseWithResolvers<OriginResponse>> = [];
  const origin = {
    request: async (request: GuardedRequest) => {
      asked.push(request);
      const answer = Promise.withResolvers<OriginResponse>();
      answers.push(answer);
      return answer.promise;
    },
  };
  const reloads = new ReloadOrigin({ origin, generation: () => state.generation, now: () => state.nowMs });
  const ask = (accepts: string | undefined, more: Partial<GuardedRequest> = {}): Promise<OriginResponse> =>
    reloads.request({ method: 'GET', shared: true, target, fields: accepts === undefined ? [] : [['accept-encoding', accepts]], ...more });
  return { state, asked, answers, ask };
}

async function bytesOf({ body }: OriginResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let bytes = await body?.read(); bytes !== undefined; bytes = await body?.read()) chunks.push(bytes);
  return Buffer.concat(chunks);
}

describe('reloads that wait at the origin', () => {
  test('of all codings wait there once, and each gets what it takes', async () => {
    const { answers, ask, asked } = held();
    const all = [ask('gzip'), ask('br, gzip'), ask('br, gzip, zstd'), ask(undefined), ask('gzip')];
    expect(asked.map(({ fields }) => fieldValue(fields, 'accept-encoding'))).toEqual(['identity']);
    answers[0]?.resolve(response(text));
    const [gzip, br, zstd, plain, again] = (await Promise.all(all)) as [OriginResponse, OriginResponse, OriginResponse, OriginResponse, OriginResponse];
    const codings = [gzip, br, zstd, plain, again].map(({ fields }) => [
      fieldValue(fields, 'content-encoding'),
      fieldValue(fields, 'etag'),
      fieldValue(fields, 'vary'),
    ]);
    expect(codings).toEqual([
      ['gzip', 'W/"a"', 'Accept-Encoding'],
      ['br', 'W/"a"', 'Accept-Encoding'],
      ['zstd', 'W/"a"', 'Accept-Encoding'],
      [undefined, '"a"', 'Accept-Encoding'],
      ['gzip', 'W/"a"', 'Accept-Encoding'],
    ]);
    expect(fieldValue(gzip.fields, 'cache-control')).toBe('public, max-age=2');
    const bytes = await Promise.all([gzip, br, zstd, plain, again].map(bytesOf));
    expect(fieldValue(gzip.fields, 'content-length')).toBe(String(bytes[0]?.length));
    const texts = [
      gunzipSync(bytes[0] as Buffer),
      brotliDecompressSync(bytes[1] as Buffer),
      zstdDecompressSync(bytes[2] as Buffer),
      bytes[3],
      gunzipSync(bytes[4] as Buffer),
    ];
    expect(texts.map(String)).toEqual([text, text, text, text, text]);
    expect(asked.length).toBe(1);
  });

  test('who comes a moment later is given the same, and later asks anew', async () => {
    const { answers, ask, asked, state } = held();
    const first = ask('gzip');
    answers[0]?.resolve(response(text));
    await first;
    state.nowMs = 900;
    expect(String(await bytesOf(await ask(undefined)))).toBe(text);
    state.nowMs = 1001;
    void ask('br', { target: target.replace('=1', '=2') });
    void ask(undefined);
    expect(asked.length).toBe(3);
  });

  test('who asks after a purge is not given what was asked for before it', async () => {
    const { answers, ask, asked, state } = held();
    const before = ask('gzip');
    state.generation = 2;
    const after = ask('br');
    expect(asked.length).toBe(2);
    answers[1]?.resolve(response(text.replaceAll('0.5', '0.6')));
    answers[0]?.resolve(response(text));
    expect(String(brotliDecompressSync(await bytesOf(await after)))).toContain('0.6');
    expect(String(gunzipSync(await bytesOf(await before)))).toContain('0.5');
  });

  test.each<[string, Fields, number]>([
    ['a refusal', told, 404],
    ['what the origin compressed all the same', [...told, ['content-encoding', 'gzip']], 200],
  ])('%s is for the one who asked, and others ask for themselves', async (_, fields, status) => {
    const { answers, ask, asked } = held();
    const both = [ask('gzip'), ask('br')];
    answers[0]?.resolve(response('no', fields, status));
    await both[0];
    while (asked.length < 2) await new Promise(setImmediate);
    expect(fieldValue(asked[1]?.fields ?? [], 'accept-encoding')).toBe('br');
    answers[1]?.resolve(response('no, too', fields, status));
    expect(await Promise.all(both.map(async (one) => [(await one).status, String(await bytesOf(await one))]))).toEqual([
      [status, 'no'],
      [status, 'no, too'],
    ]);
  });

  test('a failure is told to the one who asked, and the others try for themselves', async () => {
    const { answers, ask, asked } = held();
    const both = [ask('gzip'), ask('br')] as const;
    answers[0]?.reject(new Error('broken'));
    await expect(both[0]).rejects.toThrow('broken');
    while (asked.length < 2) await new Promise(setImmediate);
    answers[1]?.resolve(response(text));
    expect((await both[1]).status).toBe(200);
  });

  test.each<[string, Partial<GuardedRequest>]>([
    ['a playlist that is not waited for', { target: '/live/st-aaaaaaaa/240p.m3u8' }],
    ['the request of one client', { shared: false }],
    ['a revalidation', { fields: [['if-none-match', '"a"']] }],
  ])('%s goes to the origin as it is', (_, more) => {
    const { ask, asked } = held();
    void ask('gzip', more);
    void ask('gzip', more);
    expect(asked.length).toBe(2);
  });
});
