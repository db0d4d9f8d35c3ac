import { cacheOutcomes, latencyBoundsMs, popularityReported, requestsServed, statusClasses, trafficReported, type DraftOf } from '#events';
import type { Prng } from '#kernel';

type Draft = DraftOf<typeof requestsServed | typeof trafficReported | typeof popularityReported>;

const startMs = 1_790_000_040_000;
const minutes = 3;
const reports = 4;

/** So many counters that add up to `total`. */
function split(dice: Prng, names: readonly string[], before: Record<string, number>, more: number): Record<string, number> {
  const after = { ...before };
  for (let at = 0; at < more; at++) {
    const name = dice.pick(names);
    after[name] = (after[name] ?? 0) + 1;
  }
  return after;
}

const none = (names: readonly string[]): Record<string, number> => Object.fromEntries(names.map((name) => [name, 0]));

/** Somebody who looks at pages, and what is on them. */
function lines(dice: Prng, zone: string | null, startAtMs: number): DraftOf<typeof requestsServed>['data']['requests'] {
  return Array.from({ length: dice.nextInteger(0, 5) }, (_none, at) => ({
    at: startAtMs + 100 * at,
    ...{ zone, host: 'www.example', method: dice.pick(['GET', 'GET', 'POST']), path: dice.pick(['/a', '/b', '/a.css']), status: 200, bytes: 9, durationMs: 1 },
    ...{
      cache: dice.pick(cacheOutcomes),
      complete: true,
      contentType: 'text/html',
      client: dice.pick(['q8', 'Zk']),
      agent: dice.pick(['firefox', 'bot'] as const),
    },
  }));
}

/** What an edge tells of its traffic: minutes and hours that grow, favourites, and its access log. */
export function trafficFacts(dice: Prng, edgeId: string): readonly Draft[] {
  const common = { edgeId, region: 'local', incarnation: 1_790_000_000_000 };
  const drafts: Draft[] = [];
  const buckets = Array.from({ length: latencyBoundsMs.length + 1 }, (_none, at) => String(at));
  for (const zone of [null, 'zn-1']) {
    let hour = { requests: 0, bytes: 0, statuses: none(statusClasses), cache: none(cacheOutcomes), latency: none(buckets) };
    for (let minute = 0; minute < minutes; minute++) {
      let counts = { requests: 0, bytes: 0, statuses: none(statusClasses), cache: none(cacheOutcomes), latency: none(buckets) };
      for (let report = 0; report < reports; report++) {
        const more = dice.nextInteger(1, 9);
        const grown = (from: typeof counts): typeof counts => ({
          requests: from.requests + more,
          bytes: from.bytes + 100 * more,
          statuses: split(dice, statusClasses, from.statuses, more),
          cache: split(dice, cacheOutcomes, from.cache, more),
          latency: split(dice, buckets, from.latency, more),
        });
        counts = grown(counts);
        hour = grown(hour);
        const told = ({ latency, ...one }: typeof counts) => ({ zone, ...one, bytesCached: one.bytes / 2, latency: buckets.map((name) => latency[name] ?? 0) });
        const at = startMs + minute * 60_000;
        drafts.push(trafficReported.draft({ ...common, startMs: at, period: 'minute', zones: [told(counts) as never] }));
        drafts.push(trafficReported.draft({ ...common, startMs: at - (at % 3_600_000), period: 'hour', zones: [told(hour) as never] }));
        const objects = [1, 2].map((one) => ({ host: 'www.example', path: `/o/${one}`, requests: hour.requests * one, bytes: hour.bytes }));
        drafts.push(popularityReported.draft({ ...common, zone, hourMs: at - (at % 3_600_000), objects }));
        drafts.push(
          requestsServed.draft({ ...common, sampleRate: 1 / dice.nextInteger(1, 4), dropped: dice.nextInteger(0, 3), requests: lines(dice, zone, at) }),
        );
      }
    }
  }
  return drafts;
}
