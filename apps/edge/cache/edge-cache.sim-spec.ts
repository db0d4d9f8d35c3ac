import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EdgeCounters } from '../edge-counters.ts';
import type { OriginRequest, OriginResponse } from '../origin/origin-client.ts';
import { notTunnelled, isSource, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { createEdgeCache } from './edge-cache.ts';
import { RightCache, type Ask, type Exchange, type OriginPolicy } from './right-cache.fixture.ts';

const urls = ['/a', '/b'] as const;
const variants = ['x', 'y'] as const;

/** An origin whose every answer is written down, with what it said about it. */
class BookkeepingOrigin {
  readonly history: Exchange[] = [];
  readonly failedAtMs = new Map<string, number>();
  fails = false;
  readonly #versions = new Map<string, number>();
  readonly #policies: Readonly<Record<string, OriginPolicy>>;
  readonly #now: () => number;

  constructor(policies: Readonly<Record<string, OriginPolicy>>, now: () => number) {
    this.#policies = policies;
    this.#now = now;
  }

  version(url: string): number {
    return this.#versions.get(url) ?? 1;
  }

  change(url: string): void {
    this.#versions.set(url, this.version(url) + 1);
  }

  answer(asked: OriginRequest): OriginResponse {
    const field = (name: string): string | undefined => asked.fields.find(([other]) => other === name)?.[1];
    const url = asked.target;
    if (this.fails) {
      this.failedAtMs.set(url, this.#now());
      throw new Error('the origin is down');
    }
    const policy = this.#policies[url] as OriginPolicy;
    if (asked.method === 'PUT') {
      this.change(url);
      return { status: 204, fields: [], body: null };
    }
    const variant = field('variant') ?? 'x';
    const version = this.version(url);
    const etag = `"${version}${policy.varies ? variant : ''}"`;
    // RFC 9110 section 13.2.1: conditions are for what would be a success without them.
    const confirmed = policy.status === 200 && policy.etag && field('if-none-match') === etag && asked.method === 'GET';
    const passed = field('x-forwarded-for') !== undefined;
    const authorized = field('authorization') !== undefined;
    this.history.push({ url, variant, authorized, policy, version, atMs: this.#now(), method: asked.method, stored: !passed, void: false });
    const text = new TextEncoder().encode(`${version}${policy.varies ? variant : ''}`);
    let sent = false;
    const fields = [
      ['date', new Date(this.#now()).toUTCString()],
      ['cache-control', policy.control],
      ['content-type', 'text/plain'],
    ] as [string, string][];
    if (policy.etag) fields.push(['etag', etag]);
    if (policy.varies) fields.push(['vary', 'variant']);
    if (confirmed) return { status: 304, fields, body: null };
    const body = { read: async () => (sent ? undefined : ((sent = true), text)), cancel: () => undefined };
    return { status: policy.status, fields, body: asked.method === 'HEAD' ? null : body };
  }
}

function requestOf({ auth, control, method, url, variant }: Ask): EdgeRequest {
  const fields: Record<string, string> = {
    host: 'edge',
    variant,
    ...(auth ? { authorization: 'x' } : {}),
    ...(control === '' ? {} : { 'cache-control': control }),
  };
  return {
    ...{ method, target: url, version: '1.1', hasBody: false, contentLength: undefined, clientAddress: '127.0.0.1', scheme: 'http' as const },
    ...{ field: (name) => fields[name], fields: () => Object.entries(fields), gone: new AbortController().signal },
    ...{ body: () => undefined, allowSilence: () => undefined, tunnel: async () => notTunnelled },
  };
}

async function textOf(body: EdgeReply['body']): Promise<string> {
  if (body === null) return '';
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  if (!isSource(body)) return new TextDecoder().decode((body as unknown as { bytes: Uint8Array }).bytes);
  let text = '';
  for (let bytes = await body.read(); bytes !== undefined; bytes = await body.read()) text += new TextDecoder().decode(bytes);
  return text;
}

const control = fc.constantFrom('', '', '', 'no-cache', 'max-age=5', 'max-age=0', 'min-fresh=5', 'max-stale=20', 'max-stale', 'only-if-cached', 'no-store');
const ask = fc.record({
  kind: fc.constant('ask' as const),
  url: fc.constantFrom(...urls),
  variant: fc.constantFrom(...variants),
  auth: fc.nat(5).map((n) => n === 0),
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'PUT'),
  control,
});
const other = fc.oneof(
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 3, 6, 20, 70) }),
  fc.record({ kind: fc.constantFrom('change' as const, 'purge' as const), url: fc.constantFrom(...urls) }),
  fc.record({ kind: fc.constantFrom('purge-all' as const, 'fail' as const, 'heal' as const, 'heal' as const) }),
);
const policy: fc.Arbitrary<OriginPolicy> = fc
  .record({
    lifetime: fc.constantFrom('', 'max-age=0', 'max-age=5', 'max-age=60', 's-maxage=5', 'max-age=60, s-maxage=5', 'max-age=5, s-maxage=60'),
    extra: fc.constantFrom('', '', '', 'no-store', 'private', 'no-cache', 'must-revalidate', 'public', 'stale-while-revalidate=10', 'stale-if-error=10'),
    etag: fc.boolean(),
    varies: fc.boolean(),
    status: fc.constantFrom(200, 200, 200, 404),
  })
  .map(({ extra, lifetime, ...rest }) => ({ ...rest, control: [lifetime, extra].filter(Boolean).join(', ') }));

test('whatever is asked, changed, purged and broken, each answer is one that a slow and obviously right cache allows', async () => {
  let hits = 0;
  const plan = fc.record({
    a: policy,
    b: policy,
    steps: fc.array(fc.oneof({ weight: 4, arbitrary: ask }, { weight: 1, arbitrary: other }), { minLength: 5, maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ a, b, steps }) => {
      const clock = { nowMs: 1_700_000_000_000 };
      const now = (): number => clock.nowMs;
      const origin = new BookkeepingOrigin({ '/a': a, '/b': b }, now);
      const model = new RightCache(origin.history, origin.failedAtMs);
      const cache = createEdgeCache(
        { edgeId: 'e', memoryBytesMax: 10_000_000, limits: { claimTimeoutMs: 1 } },
        {
          client: { request: async (asked) => origin.answer(asked), close: async () => undefined },
          keep: (bytes) => ({ size: bytes.length, bytes, slice: () => ({}) as never }),
          bytesOf: async () => new Uint8Array(0),
          ...{ counters: new EdgeCounters(), now, trust: () => ({ purgesKnown: true, doubtFreshMs: 2000 }), local: () => undefined },
          onError: (error) => {
            throw error;
          },
        },
      );
      for (const step of steps) {
        switch (step.kind) {
          case 'wait':
            clock.nowMs += step.seconds * 1000;
            break;
          case 'change':
            origin.change(step.url);
            break;
          case 'purge':
            cache.purger.apply({ urls: [step.url] });
            model.void(step.url);
            break;
          case 'purge-all':
            cache.purger.purgeAll();
            for (const url of urls) model.void(url);
            break;
          case 'fail':
          case 'heal':
            origin.fails = step.kind === 'fail';
            break;
          case 'ask': {
            const verdict = model.expect(step, now(), { fails: origin.fails, version: origin.version(step.url) });
            const before = origin.history.length;
            const reply = await cache.handler(requestOf(step));
            // The server sends no body to a HEAD.
            const text = step.method === 'HEAD' ? '' : await textOf(reply.body);
            for (let turn = 0; turn < 20; turn++) await Promise.resolve();
            while (cache.fills.running > 0) await new Promise((resolve) => setImmediate(resolve));
            const fields = Object.fromEntries(reply.head.fields);
            const said = { status: reply.head.status, text, asked: origin.history.length - before, age: fields['age'], cacheStatus: fields['cache-status'] };
            expect(verdict.why(said)).toBeUndefined();
            if (verdict.hit) hits++;
            model.saw(step, now(), said.status, before);
          }
        }
      }
    }),
    { seed: 9111, numRuns: 3000 },
  );
  // The plans are of a kind in which much is served from what is stored.
  expect(hits).toBeGreaterThan(3000);
});
