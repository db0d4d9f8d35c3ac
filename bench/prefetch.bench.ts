import { modelRules, TransitionLearner, transitionsIn, tryModel, encodeModel, type Access, type TransitionModel } from '#core/prefetch';
import { createEdgeCache } from '../apps/edge/cache/edge-cache.ts';
import { EdgeCounters } from '../apps/edge/edge-counters.ts';
import { prefetchOf } from '../apps/edge/prefetch/prefetch.config.ts';
import { aheadRequest } from '../apps/edge/prefetch/ahead-request.ts';
import type { OriginResponse } from '../apps/edge/origin/origin-client.ts';
import { isSource } from '../apps/edge/server/exchange.ts';
import { browse, type Browsed } from './edge/browse-trace.ts';
import type { Bench, BenchContext } from './harness/index.ts';

const objectBytes = 8192;
const memoryBytesMax = 16 * 2 ** 20;
/** The origin is another city away. */
const distanceMs = 40;
const startMs = 1_790_000_000_000;
const agent = 'Mozilla/5.0 Firefox/140.0';

const accessOf = ({ atMs, path, visitor }: Browsed): Access => ({
  ...{ atMs, path, client: `c${visitor}`, region: 'eu', agent: 'firefox', rate: 1 },
  cached: !path.startsWith('/once/'),
});

/** An origin in a time of its own: answers come when the clock has passed them. */
class SlowOrigin {
  readonly #due: { readonly atMs: number; readonly answer: () => void }[] = [];
  nowMs = startMs;
  asked = 0;

  async request(): Promise<OriginResponse> {
    this.asked++;
    await new Promise<void>((answer) => this.#due.push({ atMs: this.nowMs + distanceMs, answer }));
    let left: Uint8Array | undefined = new Uint8Array(objectBytes);
    const read = async (): Promise<Uint8Array | undefined> => {
      const bytes = left;
      left = undefined;
      return bytes;
    };
    return { status: 200, fields: [['cache-control', 'max-age=3600'], ['content-type', 'text/html']], body: { read, cancel: () => undefined } }; // prettier-ignore
  }

  async advance(toMs: number): Promise<void> {
    for (;;) {
      const next = this.#due[0];
      if (next === undefined || next.atMs > toMs) break;
      this.#due.shift();
      this.nowMs = next.atMs;
      next.answer();
      await settle();
    }
    this.nowMs = toMs;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

interface Outcome {
  readonly hits: number;
  readonly assetHits: number;
  readonly fetches: number;
  readonly fetched: number;
  readonly used: number;
  readonly wasted: number;
}

async function serve(trace: readonly Browsed[], model: TransitionModel | undefined): Promise<Outcome> {
  const origin = new SlowOrigin();
  const cache = createEdgeCache(
    { edgeId: 'e', memoryBytesMax, prefetch: { ...prefetchOf({ segmentsAhead: 2, mbit: 200, zoneMbit: 200 }), region: 'eu' } },
    {
      client: { request: () => origin.request(), close: async () => undefined },
      keep: (bytes) => ({ size: bytes.length, slice: () => ({}) as never }),
      bytesOf: async () => new Uint8Array(0),
      counters: new EdgeCounters(),
      now: () => origin.nowMs,
      trust: () => ({ purgesKnown: true, doubtFreshMs: 2000 }),
      local: () => undefined,
      onError: (error) => {
        throw error;
      },
    },
  );
  if (model !== undefined) cache.prefetch?.foresight.use('', model);
  let [hits, assets, assetHits] = [0, 0, 0];
  const waiting: Promise<void>[] = [];
  for (const { atMs, isPage, path } of trace) {
    await origin.advance(atMs);
    const answer = cache.handler(aheadRequest(path, [['host', 'www.shop.example'], ['user-agent', agent]])); // prettier-ignore
    const end = Promise.resolve(answer).then(async ({ body, head }) => {
      if (body !== null && isSource(body)) while ((await body.read()) !== undefined);
      const isHit = /; hit/.test(head.fields.find(([name]) => name === 'cache-status')?.[1] ?? '');
      hits += Number(isHit);
      assets += Number(!isPage);
      assetHits += Number(isHit && !isPage);
    });
    waiting.push(end);
    await settle();
  }
  await origin.advance(origin.nowMs + 600_000);
  await Promise.all(waiting);
  const { fetched = 0, used = 0, wasted = 0 } = cache.prefetch?.counters.of('model') ?? {};
  cache.prefetch?.close();
  return { hits: (hits / trace.length) * 100, assetHits: (assetHits / assets) * 100, fetches: origin.asked, fetched, used, wasted };
}

async function measure(context: BenchContext): Promise<void> {
  const visits = context.quick ? 3000 : 12_000;
  const learned = browse({ seed: 1, fromMs: startMs - 6 * 3_600_000, visits: visits * 2 });
  const learner = new TransitionLearner({ halfLifeMs: 6 * 3_600_000, pairsMax: 60_000, clientsMax: 20_000 });
  const beganMs = performance.now();
  for (const one of learned) learner.learn(accessOf(one));
  const learnUs = ((performance.now() - beganMs) * 1000) / learned.length;
  const model = learner.model(modelRules);
  const trace = browse({ seed: 2, fromMs: startMs, visits });
  const tried = tryModel(model, trace.map(accessOf));
  context.row('learned', 'requests', 'µs each', 'transitions', 'bytes', 'precision for a client, %', 'coverage, %');
  context.row('', learned.length, learnUs, transitionsIn(model), encodeModel(model).length, (tried.precision ?? 0) * 100, (tried.coverage ?? 0) * 100);
  context.row('served, 40 ms from the origin', 'requests', 'hits, %', 'hits of what is on pages, %', 'fetches', 'fetched ahead', 'used of them, %');
  const without = await serve(trace, undefined);
  context.row('without a model', trace.length, without.hits, without.assetHits, without.fetches, 0, 0);
  const withIt = await serve(trace, model);
  const precision = (withIt.used / Math.max(1, withIt.fetched)) * 100;
  context.row('with it', trace.length, withIt.hits, withIt.assetHits, withIt.fetches, withIt.fetched, precision);
  const overhead = (withIt.fetches / without.fetches - 1) * 100;
  context.bar('prefetch.model.hits', withIt.assetHits - without.assetHits, 'points more hits of what is on pages', '>= 10', withIt.assetHits - without.assetHits >= 10, without.assetHits); // prettier-ignore
  context.bar('prefetch.model.precision', precision, '% of what was fetched ahead was asked for', '>= 60', precision >= 60);
  context.bar('prefetch.model.overhead', overhead, '% more fetches', '<= 20', overhead <= 20);
  context.bar('prefetch.model.bytes', encodeModel(model).length, 'bytes', '<= 65536', encodeModel(model).length <= modelRules.bytesMax);
}

export const bench: Bench = {
  name: 'prefetch',
  summary: 'visitors of a site whose pages have parts of their own, with noise, at an edge that cannot hold all of it: hits, precision and the cost to the origin of a learned model, beside none', // prettier-ignore
  run: measure,
};
