import type { EventOf, requestsServed } from '#events';

type Served = EventOf<typeof requestsServed>['data'];
type Request = Served['requests'][number];

/** What somebody asked for, one after the other. */
export interface BrowseVisit {
  /** Null for the platform’s own. */
  readonly zone: string | null;
  /** Tells one from another for as long as its edge does: a client, with its program, at a host. */
  readonly client: string;
  readonly agent: string;
  readonly steps: ReadonlyArray<{ readonly atMs: number; readonly path: string; readonly cached: boolean }>;
}

/** Longer ones were cut, and are none. */
const pathLengthMax = 1023;
/** What browsers send unescaped. */
const wholePath = /^\/[\x21-\x22\x24-\x7e]*$/;
/** Manifests tell what follows of these. */
const media = /^(?:video\/|audio\/|application\/(?:vnd\.apple\.mpegurl|x-mpegurl|dash\+xml))/i;
const kept = new Set<Request['cache']>(['hit', 'stale', 'revalidated']);
const strangers = new Set<Request['agent']>(['bot', 'tool']);

/** Whether what follows it, or what it follows, tells anything. What is never cached may still be the page that leads to what is. */
function tells({ agent, cache, complete, contentType, method, path, status }: Request): boolean {
  if (method !== 'GET' || !complete || (status !== 200 && status !== 304) || strangers.has(agent) || media.test(contentType)) return false;
  if (cache === 'error' || (cache === 'pass' && !contentType.startsWith('text/html'))) return false;
  return path.length <= pathLengthMax && wholePath.test(path) && !path.startsWith('/api/');
}

/** As it is written. */
interface Written {
  readonly paths: readonly string[];
  /** Zone, client, agent, and of each step ms since the one before, number of the path, and whether it was cached. */
  readonly visits: ReadonlyArray<readonly [zone: string | null, client: string, agent: string, steps: readonly number[]]>;
}

export interface Browse {
  readonly text: string;
  readonly fromMs: number;
}

/** Who asked for what after what, of one event of an access log; undefined where it tells nothing. */
export function browseOf({ requests }: Served): Browse | undefined {
  const telling = requests.filter(tells).toSorted((a, b) => a.at - b.at);
  const fromMs = telling[0]?.at;
  if (fromMs === undefined) return undefined;
  const numbers = new Map<string, number>();
  const visits: Written['visits'][number][] = [];
  for (const own of Map.groupBy(telling, ({ agent, client, host, zone }) => JSON.stringify([zone, client, agent, host])).values()) {
    const [first] = own as [Request];
    let beforeMs = fromMs;
    const steps = own.flatMap(({ at, cache, path }) => {
      const number = numbers.get(path) ?? numbers.size;
      numbers.set(path, number);
      const sinceMs = at - beforeMs;
      beforeMs = at;
      return [sinceMs, number, kept.has(cache) ? 1 : 0];
    });
    visits.push([first.zone, `${first.client} ${first.host}`, first.agent, steps]);
  }
  const written: Written = { paths: [...numbers.keys()], visits };
  return { text: JSON.stringify(written), fromMs };
}

/** What {@link browseOf} wrote. */
export function readBrowse(text: string, fromMs: number): readonly BrowseVisit[] {
  const { paths, visits } = JSON.parse(text) as Written;
  return visits.map(([zone, client, agent, numbers]) => {
    let atMs = fromMs;
    const steps = Array.from({ length: Math.floor(numbers.length / 3) }, (_none, at) => {
      atMs += numbers[3 * at] ?? 0;
      return { atMs, path: paths[numbers[3 * at + 1] ?? 0] ?? '', cached: numbers[3 * at + 2] === 1 };
    });
    return { zone, client: `${client} ${agent}`, agent, steps };
  });
}
