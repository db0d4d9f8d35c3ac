import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '#kernel';
import { Platform } from '../test/constellation/platform.ts';
import { Publisher } from '../test/constellation/publisher.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';
import { lastingParts, sampleOf, slopeOf, type Sample } from './soak/resources.ts';

const sampleEveryMs = 10_000;
const publishers = 4;
const viewers = 6;
/** How long a publisher stays, ms. */
const stay = { min: 10_000, max: 40_000 } as const;
/** Of the medians of the last third over the middle third. */
const goals = { rssGrowth: 1.05, descriptors: 8 } as const;

interface World {
  readonly platform: Platform;
  readonly over: AbortSignal;
  /** Streams that viewers may look at. */
  readonly live: Set<string>;
  counts: { sessions: number; streams: number; requests: number; failed: number };
}

/** Streams one after the other; each is published two or three times, ended in good order or cut off, and stopped in the end. */
async function publishing(world: World, slot: number): Promise<void> {
  const { platform, over, live, counts } = world;
  const prng = new Prng(slot + 1);
  // One of them is encoded, the others are carried: what comes and goes is what matters here.
  const ladder = slot === 0 ? {} : { ladder: [{ name: 'source', height: 1080, videoBitrate: 500_000, passThrough: true }] };
  while (!over.aborted) {
    const stream = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', { name: `Soak ${slot}`, ...ladder });
    counts.streams += 1;
    live.add(stream.id);
    for (let times = prng.nextInteger(2, 3); times > 0 && !over.aborted; times--) {
      const publisher = new Publisher({ url: platform.rtmpUrl(stream.streamKey), width: 320, height: 180, videoBitrate: '400k' });
      counts.sessions += 1;
      await sleep(prng.nextInteger(stay.min, stay.max), undefined, { signal: over }).catch(() => undefined);
      await publisher.stop();
    }
    live.delete(stream.id);
    await platform.api('POST', '/api/v1/stream/stop', { id: stream.id });
  }
}

/** Plays what there is, as a player asks: multivariant playlist, playlist, newest segment. */
async function viewing({ platform, over, live, counts }: World, slot: number): Promise<void> {
  const get = async (path: string): Promise<string> => {
    counts.requests += 1;
    const response = await fetch(`${platform.edgeUrl}${path}`);
    const text = await response.text();
    if (response.status >= 500) counts.failed += 1;
    return response.ok ? text : '';
  };
  for (let turn = slot; !over.aborted; turn++) {
    const id = [...live][turn % Math.max(1, live.size)];
    if (id !== undefined) {
      const rendition = /^([\w-]+)\.m3u8$/m.exec(await get(`/live/${id}/master.m3u8`))?.[1];
      const media = rendition === undefined ? '' : await get(`/live/${id}/${rendition}.m3u8`);
      const segment = [...media.matchAll(/^(?:\.\.\/)*\/?(media\/\S+\.m4s)/gm)].at(-1)?.[1];
      if (segment !== undefined) await get(`/${segment}`);
    }
    await sleep(500, undefined, { signal: over }).catch(() => undefined);
  }
}

async function soak(context: BenchContext, platform: Platform, minutes: number): Promise<void> {
  const over = new AbortController();
  const world: World = { platform, over: over.signal, live: new Set(), counts: { sessions: 0, streams: 0, requests: 0, failed: 0 } };
  const work = [
    ...Array.from({ length: publishers }, (_, slot) => publishing(world, slot)),
    ...Array.from({ length: viewers }, (_, slot) => viewing(world, slot)),
  ];
  const samples = new Map(lastingParts.map((part) => [part, [] as Sample[]]));
  const begun = performance.now();
  for (let minute = 0; minute < minutes; minute = (performance.now() - begun) / 60_000) {
    await sleep(sampleEveryMs);
    for (const [part, taken] of samples) {
      const sample = sampleOf(platform, part, minute);
      if (sample !== undefined) taken.push(sample);
    }
  }
  over.abort();
  await Promise.all(work);
  await sleep(15_000);
  report(context, samples, minutes);
  const { sessions, streams, requests, failed } = world.counts;
  context.row('sessions of publishers', sessions, 'streams', streams, '', '');
  context.row('requests of viewers', requests, 'answered 5xx', failed, '', '');
  const left = platform.processes('ffmpeg').length;
  context.bar('soak.encoders-left', left, 'processes', 0, left === 0);
}

function report(context: BenchContext, samples: ReadonlyMap<string, readonly Sample[]>, minutes: number): void {
  context.row(`${minutes} minutes`, 'RSS, MB: middle third', 'last third', 'MB a minute', 'descriptors: middle', 'last');
  for (const [part, taken] of samples) {
    const from = (share: number): readonly Sample[] => taken.filter(({ minute }) => minute >= minutes * share);
    const [middle, last] = [from(1 / 3).filter(({ minute }) => minute < (minutes * 2) / 3), from(2 / 3)];
    const median = (some: readonly Sample[], of: (one: Sample) => number): number => quantile(some.map(of), 0.5);
    const rss = [median(middle, ({ rssMb }) => rssMb), median(last, ({ rssMb }) => rssMb)] as const;
    const descriptors = [median(middle, (one) => one.descriptors), median(last, (one) => one.descriptors)] as const;
    const slope = slopeOf(from(1 / 3).map(({ minute, rssMb }) => [minute, rssMb]));
    context.row(part, rss[0], rss[1], slope, descriptors[0], descriptors[1]);
    const growth = rss[1] / rss[0];
    context.bar(`soak.${part}.rss`, growth, 'x', `<= ${goals.rssGrowth} of the middle third`, growth <= goals.rssGrowth);
    const more = descriptors[1] - descriptors[0];
    context.bar(`soak.${part}.descriptors`, more, 'more', `<= ${goals.descriptors}`, more <= goals.descriptors);
  }
}

export const bench: Bench = {
  name: 'soak',
  summary: 'half an hour with publishers, streams and viewers coming and going: slopes of memory and descriptors of every process',
  async run(context) {
    const platform = await Platform.start();
    try {
      await soak(context, platform, context.quick ? 3 : 30);
    } finally {
      await platform.stop();
    }
  },
};
