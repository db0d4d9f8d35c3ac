import { z } from 'zod';
import { defineEvent } from './define.ts';
import { count, id, millis, text, withoutNul } from './fields.ts';

const url = z.string().min(1).max(4096).regex(withoutNul);

/** What a purge can name besides URLs. */
export const purgeSelectorKinds = ['prefix', 'regex', 'tag', 'host', 'zone', 'all'] as const;

/**
 * `prefix`: everything whose URL begins so, a whole one or a path on every host. `regex`: in RE2's syntax, found anywhere in
 * path and query. `tag`: what the origin tagged so by Cache-Tag, Surrogate-Key or xkey. `all` needs no value.
 */
const purgeSelector = z.object({
  kind: z.enum(purgeSelectorKinds),
  value: z.string().max(4096).regex(withoutNul),
  /** Where a pattern is looked for: on a host, else in a zone, else in everything that the selector may reach. */
  host: z.string().min(1).max(256).regex(withoutNul).optional(),
  zone: id.optional(),
  /** Whose objects alone are meant; everybody's when left out. */
  tenant: id.optional(),
});
export type PurgeSelector = z.infer<typeof purgeSelector>;

/** URLs or selectors in one event: a purge of more is several. */
export const purgePartMax = 1000;

export const purgeRequested = defineEvent({
  type: 'purge.requested',
  version: 2,
  context: 'cache',
  meaning: 'Somebody asked every edge to forget, or to revalidate, what it cached of what the selectors name.',
  schema: z.object({
    purgeId: id,
    /** Absolute URLs or absolute paths (`/live/x/master.m3u8`): a path purges it on every host. */
    urls: z.array(url).max(purgePartMax),
    selectors: z.array(purgeSelector).max(purgePartMax).optional(),
    /** True: what is older is stale from now on, and is served only where stale may be. Else nothing older is served again. */
    soft: z.boolean().optional(),
    /** Of a purge of several events, which of how many this is, from 0: edges acknowledge the last. */
    part: count.optional(),
    parts: count.optional(),
    /** URLs and selectors of all parts. */
    total: count.optional(),
    reason: text,
  }),
  key: (data) => data.purgeId,
  // The first version had URLs alone. An edge of that time does not know this one, and purges everything: always right.
  upcasters: [(data) => data],
  samples: [
    { purgeId: 'pg-1', urls: ['/live/st-7f3k2m9q/master.m3u8'], reason: 'wrong logo' },
    { purgeId: 'pg-1', urls: [], selectors: [{ kind: 'tag', value: 'stream-st-7f3k2m9q' }], soft: true, reason: 're-packaged' },
  ],
});

export const purgeCountRequested = defineEvent({
  type: 'purge.count-requested',
  version: 1,
  context: 'cache',
  meaning: 'Somebody asked every edge how much a purge would hit, without purging anything.',
  schema: z.object({
    purgeId: id,
    urls: z.array(url).max(purgePartMax),
    selectors: z.array(purgeSelector).max(purgePartMax).optional(),
    /** As in `purge.requested`. */
    part: count.optional(),
    parts: count.optional(),
    total: count.optional(),
    reason: text,
  }),
  key: (data) => data.purgeId,
  samples: [{ purgeId: 'pg-2', urls: [], selectors: [{ kind: 'prefix', value: '/live/st-7f3k2m9q/' }], reason: 'would it be much?' }],
});

export const purgeCounted = defineEvent({
  type: 'purge.counted',
  version: 1,
  context: 'cache',
  meaning: 'An edge counted what a purge would hit in it.',
  schema: z.object({ purgeId: id, edgeId: id, objects: count, countedAtMs: millis }),
  key: (data) => data.purgeId,
  subject: (data) => `${data.purgeId}/${data.edgeId}`,
  samples: [{ purgeId: 'pg-2', edgeId: 'edge-1', objects: 120, countedAtMs: 1790000000000 }],
});

export const purgeApplied = defineEvent({
  type: 'purge.applied',
  version: 1,
  context: 'cache',
  meaning: 'An edge applied a purge; from then on it serves nothing older of what it names. Said again once its objects are counted.',
  schema: z.object({ purgeId: id, edgeId: id, objects: count, appliedAtMs: millis }),
  key: (data) => data.purgeId,
  subject: (data) => `${data.purgeId}/${data.edgeId}`,
  samples: [{ purgeId: 'pg-1', edgeId: 'edge-1', objects: 1, appliedAtMs: 1790000000000 }],
});

/** URLs in one event: a warming of more is several. */
export const warmPartMax = 1000;

export const warmRequested = defineEvent({
  type: 'warm.requested',
  version: 1,
  context: 'cache',
  meaning: 'Somebody asked edges to fetch what will be asked for, before it is.',
  schema: z.object({
    warmId: id,
    /** Absolute URLs, or absolute paths of the platform's own media. */
    urls: z.array(url).max(warmPartMax),
    /** Sitemaps, or indexes of them, whose URLs on the same host are meant as well. */
    sitemaps: z.array(url).max(10),
    /** Which edges do it: those of these regions, or with these ids; all where both are empty. */
    regions: z.array(id).max(100),
    edges: z.array(id).max(100),
    /** What one edge asks the origins for at most, per second. */
    perSecond: z.number().int().positive().max(1000),
    /** Edges only tell how much of it they have. */
    dryRun: z.boolean(),
    /** Of a warming of several events, which of how many this is, from 0. */
    part: count,
    parts: count,
    /** URLs of all parts. */
    total: count,
    reason: text,
  }),
  key: (data) => data.warmId,
  samples: [
    {
      warmId: 'wm-1',
      urls: ['https://www.example.org/a.js', '/live/st-7f3k2m9q/master.m3u8'],
      sitemaps: ['https://www.example.org/sitemap.xml'],
      regions: ['eu'],
      edges: [],
      perSecond: 100,
      dryRun: false,
      part: 0,
      parts: 1,
      total: 2,
      reason: 'launch',
    },
  ],
});

/** Of the failures of one edge those that it tells of. */
export const warmFailuresMax = 100;

export const warmFinished = defineEvent({
  type: 'warm.finished',
  version: 2,
  context: 'cache',
  meaning: 'An edge has done what it could of a warming.',
  schema: z.object({
    warmId: id,
    edgeId: id,
    region: id,
    /** URLs that it went through. */
    urls: count,
    /** Of them, those that it had already, … */
    present: count,
    /** … that it fetched and stored, … */
    fetched: count,
    /** … and that came to nothing: not there, not for everybody, not to be had. */
    failed: count,
    /** Of the bodies that it fetched. */
    bytes: count,
    /** What failed and why, sitemaps among it: the first of them. `status` is the origin's, where it answered. */
    failures: z.array(z.object({ url, status: z.number().int().min(100).max(999).nullable(), reason: text })).max(warmFailuresMax),
    finishedAtMs: millis,
  }),
  key: (data) => data.warmId,
  subject: (data) => `${data.warmId}/${data.edgeId}`,
  // The first version had counts alone.
  upcasters: [(data) => ({ ...(data as object), failures: [] })],
  samples: [
    { warmId: 'wm-1', edgeId: 'edge-1', region: 'eu', urls: 3, present: 1, fetched: 1, failed: 1, bytes: 120_000, finishedAtMs: 1790000000000 },
    {
      warmId: 'wm-1',
      edgeId: 'edge-1',
      region: 'eu',
      urls: 3,
      present: 1,
      fetched: 1,
      failed: 1,
      bytes: 120_000,
      failures: [{ url: 'https://www.example.org/a.js', status: 404, reason: 'The origin answered with status 404.' }],
      finishedAtMs: 1790000000000,
    },
  ],
});

export type CacheEventDefinition =
  | typeof purgeRequested
  | typeof purgeApplied
  | typeof purgeCountRequested
  | typeof purgeCounted
  | typeof warmRequested
  | typeof warmFinished;
