import { z } from 'zod';
import { withoutNul } from './fields.ts';

/** Hosts of one zone, its origins, its rules. */
export const zoneHostsMax = 100;
export const zoneOriginsMax = 32;
export const zoneRulesMax = 200;
export const zonePurgersMax = 100;

const line = (most: number): z.ZodString => z.string().min(1).max(most).regex(withoutNul);
/** Up to a year, s. */
const seconds = z.number().min(0).max(31_536_000);
const status = z.number().int().min(200).max(599);
const names = (most: number): z.ZodArray<z.ZodString> => z.array(line(128)).max(most);

export const contentCodings = ['br', 'zstd', 'gzip'] as const;
export type ContentCoding = (typeof contentCodings)[number];

const origin = z.strictObject({
  /** Scheme, host and port. */
  url: line(512),
  /** Its share beside the others; 1 when left out. */
  weight: z.number().int().min(1).max(1000).optional(),
  /** Asked only while no other is well. */
  backup: z.boolean().optional(),
  /** HTTP/2 where its TLS offers it. */
  http2: z.boolean().optional(),
  tls: z
    .strictObject({
      /** The name that its certificate must have, and that is sent as SNI; its host when left out. */
      serverName: line(253).optional(),
      /** Certificates (PEM) that it may be signed with, in place of the system's. */
      ca: z.string().min(1).max(65_536).regex(withoutNul).optional(),
    })
    .optional(),
});

const healthCheck = z.strictObject({
  path: line(2048),
  intervalSeconds: z.number().min(0.1).max(3600).optional(),
  timeoutSeconds: z.number().min(0.1).max(60).optional(),
  /** Failures in a row after which an origin is not asked any more … */
  unhealthyAfter: z.number().int().min(1).max(100).optional(),
  /** … and successes in a row after which it is again. */
  healthyAfter: z.number().int().min(1).max(100).optional(),
});

const query = z.strictObject({
  /** `none` leaves the whole query out of the key, and of what the origin is asked. */
  kind: z.enum(['all', 'none', 'only', 'without']),
  names: names(200).optional(),
});

const headerEdit = z.strictObject({
  op: z.enum(['set', 'add', 'remove']),
  name: z.string().min(1).max(128),
  value: z.string().max(4096).regex(withoutNul).optional(),
});

const ttl = z.strictObject({
  /** In place of what the origin says, where that may be stored at all, s. */
  override: seconds.optional(),
  /** Where the origin says nothing, s. */
  default: seconds.optional(),
  min: seconds.optional(),
  max: seconds.optional(),
  byStatus: z
    .array(z.strictObject({ statuses: z.array(status).min(1).max(50), seconds }))
    .max(50)
    .optional(),
  /** Of 404, 405, 410, 414 and 501 that say nothing themselves, s; 60 when left out. */
  negative: seconds.optional(),
  staleWhileRevalidate: seconds.optional(),
  staleIfError: seconds.optional(),
});

const rule = z.strictObject({
  /** What it is about; everything where nothing is said. */
  match: z
    .strictObject({
      /** Patterns of the whole path: `*` is within a part of it, `**` goes over parts. */
      paths: z.array(line(256)).min(1).max(50).optional(),
      /** Of the response: `text/css`, `image/*`. */
      contentTypes: z.array(line(128)).min(1).max(50).optional(),
    })
    .optional(),
  ttl: ttl.optional(),
  query: query.optional(),
  /** Of what goes to the origin. */
  requestHeaders: z.array(headerEdit).max(50).optional(),
  /** Of what is stored and served. */
  responseHeaders: z.array(headerEdit).max(50).optional(),
  redirect: z
    .strictObject({
      /** An absolute URL or path; `$path` and `$query` stand for those of the request. */
      to: line(2048),
      /** 301, 302, 303, 307 or 308; 301 when left out. */
      status: z.number().int().min(301).max(308).optional(),
    })
    .optional(),
  /** Never answered from the cache: always, or when the request has one of these cookies. */
  bypass: z.strictObject({ always: z.boolean().optional(), cookies: names(50).optional() }).optional(),
  /** `strip`: neither does the origin see cookies, nor may it set any. */
  cookies: z.enum(['pass', 'strip']).optional(),
  /** False: what this is about is not compressed here. */
  compress: z.boolean().optional(),
});

/**
 * How a site is served by every edge. Whoever writes one (the API, the event on the log, the file of an edge alone) has
 * this schema; what the parts must be together, `zoneProblem` of the domain tells.
 */
export const zoneConfigurationSchema = z.strictObject({
  hosts: z.array(line(253)).min(1).max(zoneHostsMax),
  origins: z.array(origin).min(1).max(zoneOriginsMax),
  /** `weighted` by turns; `hash`: each key has its own origin as long as that is well. */
  balance: z.enum(['weighted', 'hash']).optional(),
  /** What an origin gets as Host: its own name (`origin`, so it is when left out), the client's (`request`), or this name. */
  hostHeader: line(253).optional(),
  healthCheck: healthCheck.optional(),
  /** After so many failures in a row an origin is left in peace for a while. */
  ejection: z.strictObject({ failures: z.number().int().min(1).max(1000).optional(), holdSeconds: z.number().min(0.1).max(3600).optional() }).optional(),
  retries: z
    .strictObject({
      /** On other origins, for requests that may be repeated; 1 when left out. */
      attempts: z.number().int().min(0).max(5).optional(),
      /** Of the requests of the last ten seconds so many percent may be repeated; 20 when left out. */
      budgetPercent: z.number().min(0).max(100).optional(),
    })
    .optional(),
  timeouts: z
    .strictObject({
      connectSeconds: z.number().min(0.1).max(60).optional(),
      headSeconds: z.number().min(0.1).max(300).optional(),
      silenceSeconds: z.number().min(0.1).max(300).optional(),
    })
    .optional(),
  query: query.optional(),
  /** Parameters in the order of their names; true when left out. */
  sortQuery: z.boolean().optional(),
  compression: z
    .strictObject({
      codings: z.array(z.enum(contentCodings)).min(1).max(3).optional(),
      contentTypes: z.array(line(128)).min(1).max(100).optional(),
      /** Smaller ones are not worth it, bytes; 1024 when left out. */
      minBytes: z.number().int().min(0).max(1_048_576).optional(),
    })
    .optional(),
  /** Large objects are kept, asked for and evicted in slices, where the origin answers ranges and tells versions apart. */
  slices: z
    .strictObject({
      /** Smaller ones are kept in one piece, bytes; 32 MiB when left out. */
      fromBytes: z.number().int().min(65_536).max(1_099_511_627_776).optional(),
      /** Of one slice, bytes; 1 MiB when left out. */
      sliceBytes: z.number().int().min(65_536).max(67_108_864).optional(),
    })
    .optional(),
  accessLog: z
    .strictObject({
      /** The share of its requests that get a line (`requests.served`), 0 to 1, of those that edges look at; what each edge is set to when left out. */
      sampleRate: z.number().min(0).max(1).optional(),
    })
    .optional(),
  /** Addresses and networks (`203.0.113.7`, `2001:db8::/48`) from which `PURGE` needs no key: the origins' own. */
  purgers: z.array(line(64)).min(1).max(zonePurgersMax).optional(),
  /** The edge to which all others send what they do not have. */
  shield: line(64).optional(),
  rules: z.array(rule).max(zoneRulesMax).optional(),
});

export type ZoneConfiguration = z.infer<typeof zoneConfigurationSchema>;
export type ZoneOrigin = z.infer<typeof origin>;
export type ZoneRule = z.infer<typeof rule>;
export type ZoneHeaderEdit = z.infer<typeof headerEdit>;
export type ZoneTtl = z.infer<typeof ttl>;
export type ZoneQuery = z.infer<typeof query>;
