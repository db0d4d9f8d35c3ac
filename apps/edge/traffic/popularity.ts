import { cacheOutcomes, trafficLimits, type DraftOf, type popularityReported } from '#events';
import { hostNameOf } from '../zones/zone-table.ts';
import { HeavyHitters } from './heavy-hitters.core.ts';
import type { RequestLine } from './request-line.ts';
import { toldPath } from './told-path.core.ts';

/** Places for objects of one zone, of which the first are told, and in all. */
const zoneCountersMax = 1000;
const countersMax = 200_000;

interface Named {
  readonly host: string;
  readonly path: string;
}

interface ZonePopularity {
  readonly tenant: string;
  readonly hitters: HeavyHitters<Named>;
  changed: boolean;
}

export interface ZoneObjects {
  readonly tenant: string;
  readonly zone: string | null;
  readonly objects: DraftOf<typeof popularityReported>['data']['objects'];
}

const wanted = new Set([200, 206, 304]);
const passed = cacheOutcomes.indexOf('pass');

/** What is asked for most in one hour, by zone, counted by the requests that are picked. */
export class Popularity {
  readonly #zones = new Map<string, ZonePopularity>();

  /** Only what the cache could answer: nothing else is worth keeping nearer. */
  count({ bytes, host, log, method, status, target, weight, zone }: RequestLine): void {
    if ((method !== 'GET' && method !== 'HEAD') || !wanted.has(status) || log.outcome === passed) return;
    const known = this.#zones.get(zone.id);
    if (known === undefined && (this.#zones.size + 1) * zoneCountersMax > countersMax) return;
    const popularity = known ?? { tenant: zone.tenant, hitters: new HeavyHitters<Named>(zoneCountersMax), changed: false };
    this.#zones.set(zone.id, popularity);
    const path = toldPath(zone.keyOfUrl(target) ?? target, trafficLimits.pathLengthMax).replaceAll('\0', '');
    const name = hostNameOf(host).slice(0, trafficLimits.hostLengthMax).replaceAll('\0', '');
    popularity.hitters.count(zone.hostInKey ? `${name}${path}` : path, { host: name, path }, weight, weight * bytes);
    popularity.changed = true;
  }

  /** The first of each zone where something was counted since the last time. */
  report(): readonly ZoneObjects[] {
    const news: ZoneObjects[] = [];
    for (const [id, zone] of this.#zones) {
      if (!zone.changed) continue;
      zone.changed = false;
      const objects = zone.hitters.top(trafficLimits.objectsMax).map(({ value, count, bytes }) => ({ ...value, requests: count, bytes }));
      news.push({ tenant: zone.tenant, zone: id === '' ? null : id, objects });
    }
    return news;
  }
}
