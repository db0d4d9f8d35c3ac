import { z } from 'zod';
import { defineEvent } from './define.ts';
import { id, millis, text, withoutNul } from './fields.ts';
import { zoneConfigurationSchema, zoneHostsMax } from './zone-configuration.ts';

const zoneId = 'zn-7f3k2m9qabcdefgh';
const numberOf = z.number().int().positive();
const hostName = z.string().min(1).max(253).regex(withoutNul);

/** Version 1 knew no `slices`, version 2 no `accessLog`, version 3 no `purgers`: what they say holds as it stands. */
const asItStands = (data: unknown): unknown => data;

export const zoneConfigured = defineEvent({
  type: 'zone.configured',
  version: 4,
  upcasters: [asItStands, asItStands, asItStands],
  context: 'zone',
  meaning: 'Hosts are served by every edge as this says, from now on.',
  schema: z.object({
    zoneId: id,
    /** Unique within the tenant. */
    name: id,
    /** Of the zone: each change has the next. */
    zoneVersion: numberOf,
    /** What edges stored under another one is not theirs to serve any more. */
    epoch: numberOf,
    configuration: zoneConfigurationSchema,
    /** Where the edge that it names as shield is reached; null without one. */
    shieldUrl: z.string().max(512).regex(withoutNul).nullable(),
    reason: text,
    /** The version of the zone that this brings back; null for a new one. */
    rolledBackTo: numberOf.nullable(),
  }),
  key: (data) => data.zoneId,
  samples: [
    {
      zoneId,
      name: 'shop',
      zoneVersion: 1,
      epoch: 1,
      configuration: {
        hosts: ['www.example.org', '*.static.example.org'],
        origins: [
          {
            url: 'https://origin.example.org',
            weight: 2,
            backup: false,
            http2: true,
            tls: { serverName: 'origin.example.org', ca: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' },
          },
        ],
        balance: 'hash',
        hostHeader: 'shop.example.org',
        healthCheck: { path: '/healthz', intervalSeconds: 5, timeoutSeconds: 2, unhealthyAfter: 3, healthyAfter: 2 },
        ejection: { failures: 5, holdSeconds: 10 },
        retries: { attempts: 1, budgetPercent: 20 },
        timeouts: { connectSeconds: 3, headSeconds: 10, silenceSeconds: 15 },
        query: { kind: 'without', names: ['session'] },
        sortQuery: true,
        compression: { codings: ['br', 'gzip'], contentTypes: ['text/*'], minBytes: 1024 },
        shield: 'edge-2',
        rules: [
          {
            match: { paths: ['/static/**'], contentTypes: ['text/css'] },
            ttl: {
              override: 3600,
              default: 60,
              min: 1,
              max: 86400,
              byStatus: [{ statuses: [404], seconds: 5 }],
              negative: 60,
              staleWhileRevalidate: 30,
              staleIfError: 300,
            },
            query: { kind: 'only', names: ['v'] },
            requestHeaders: [{ op: 'set', name: 'x-site', value: 'shop' }],
            responseHeaders: [{ op: 'remove', name: 'server', value: '' }],
            redirect: { to: 'https://www.example.org$path$query', status: 308 },
            bypass: { always: false, cookies: ['session'] },
            cookies: 'strip',
            compress: true,
          },
        ],
      },
      shieldUrl: null,
      reason: 'first',
      rolledBackTo: null,
    },
    {
      zoneId,
      name: 'shop',
      zoneVersion: 1,
      epoch: 1,
      configuration: {
        hosts: ['www.example.org', '*.static.example.org'],
        origins: [
          {
            url: 'https://origin.example.org',
            weight: 2,
            backup: false,
            http2: true,
            tls: { serverName: 'origin.example.org', ca: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' },
          },
        ],
        balance: 'hash',
        hostHeader: 'shop.example.org',
        healthCheck: { path: '/healthz', intervalSeconds: 5, timeoutSeconds: 2, unhealthyAfter: 3, healthyAfter: 2 },
        ejection: { failures: 5, holdSeconds: 10 },
        retries: { attempts: 1, budgetPercent: 20 },
        timeouts: { connectSeconds: 3, headSeconds: 10, silenceSeconds: 15 },
        query: { kind: 'without', names: ['session'] },
        sortQuery: true,
        compression: { codings: ['br', 'gzip'], contentTypes: ['text/*'], minBytes: 1024 },
        slices: { fromBytes: 16_777_216, sliceBytes: 4_194_304 },
        shield: 'edge-2',
        rules: [
          {
            match: { paths: ['/static/**'], contentTypes: ['text/css'] },
            ttl: {
              override: 3600,
              default: 60,
              min: 1,
              max: 86400,
              byStatus: [{ statuses: [404], seconds: 5 }],
              negative: 60,
              staleWhileRevalidate: 30,
              staleIfError: 300,
            },
            query: { kind: 'only', names: ['v'] },
            requestHeaders: [{ op: 'set', name: 'x-site', value: 'shop' }],
            responseHeaders: [{ op: 'remove', name: 'server', value: '' }],
            redirect: { to: 'https://www.example.org$path$query', status: 308 },
            bypass: { always: false, cookies: ['session'] },
            cookies: 'strip',
            compress: true,
          },
        ],
      },
      shieldUrl: null,
      reason: 'first',
      rolledBackTo: null,
    },
    {
      zoneId,
      name: 'shop',
      zoneVersion: 1,
      epoch: 1,
      configuration: {
        hosts: ['www.example.org', '*.static.example.org'],
        origins: [
          {
            url: 'https://origin.example.org',
            weight: 2,
            backup: false,
            http2: true,
            tls: { serverName: 'origin.example.org', ca: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' },
          },
        ],
        balance: 'hash',
        hostHeader: 'shop.example.org',
        healthCheck: { path: '/healthz', intervalSeconds: 5, timeoutSeconds: 2, unhealthyAfter: 3, healthyAfter: 2 },
        ejection: { failures: 5, holdSeconds: 10 },
        retries: { attempts: 1, budgetPercent: 20 },
        timeouts: { connectSeconds: 3, headSeconds: 10, silenceSeconds: 15 },
        query: { kind: 'without', names: ['session'] },
        sortQuery: true,
        compression: { codings: ['br', 'gzip'], contentTypes: ['text/*'], minBytes: 1024 },
        slices: { fromBytes: 16_777_216, sliceBytes: 4_194_304 },
        accessLog: { sampleRate: 0.1 },
        shield: 'edge-2',
        rules: [
          {
            match: { paths: ['/static/**'], contentTypes: ['text/css'] },
            ttl: {
              override: 3600,
              default: 60,
              min: 1,
              max: 86400,
              byStatus: [{ statuses: [404], seconds: 5 }],
              negative: 60,
              staleWhileRevalidate: 30,
              staleIfError: 300,
            },
            query: { kind: 'only', names: ['v'] },
            requestHeaders: [{ op: 'set', name: 'x-site', value: 'shop' }],
            responseHeaders: [{ op: 'remove', name: 'server', value: '' }],
            redirect: { to: 'https://www.example.org$path$query', status: 308 },
            bypass: { always: false, cookies: ['session'] },
            cookies: 'strip',
            compress: true,
          },
        ],
      },
      shieldUrl: null,
      reason: 'first',
      rolledBackTo: null,
    },
    {
      zoneId,
      name: 'shop',
      zoneVersion: 1,
      epoch: 1,
      configuration: {
        hosts: ['www.example.org', '*.static.example.org'],
        origins: [
          {
            url: 'https://origin.example.org',
            weight: 2,
            backup: false,
            http2: true,
            tls: { serverName: 'origin.example.org', ca: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' },
          },
        ],
        balance: 'hash',
        hostHeader: 'shop.example.org',
        healthCheck: { path: '/healthz', intervalSeconds: 5, timeoutSeconds: 2, unhealthyAfter: 3, healthyAfter: 2 },
        ejection: { failures: 5, holdSeconds: 10 },
        retries: { attempts: 1, budgetPercent: 20 },
        timeouts: { connectSeconds: 3, headSeconds: 10, silenceSeconds: 15 },
        query: { kind: 'without', names: ['session'] },
        sortQuery: true,
        compression: { codings: ['br', 'gzip'], contentTypes: ['text/*'], minBytes: 1024 },
        slices: { fromBytes: 16_777_216, sliceBytes: 4_194_304 },
        accessLog: { sampleRate: 0.1 },
        purgers: ['203.0.113.7', '2001:db8::/48'],
        shield: 'edge-2',
        rules: [
          {
            match: { paths: ['/static/**'], contentTypes: ['text/css'] },
            ttl: {
              override: 3600,
              default: 60,
              min: 1,
              max: 86400,
              byStatus: [{ statuses: [404], seconds: 5 }],
              negative: 60,
              staleWhileRevalidate: 30,
              staleIfError: 300,
            },
            query: { kind: 'only', names: ['v'] },
            requestHeaders: [{ op: 'set', name: 'x-site', value: 'shop' }],
            responseHeaders: [{ op: 'remove', name: 'server', value: '' }],
            redirect: { to: 'https://www.example.org$path$query', status: 308 },
            bypass: { always: false, cookies: ['session'] },
            cookies: 'strip',
            compress: true,
          },
        ],
      },
      shieldUrl: null,
      reason: 'first',
      rolledBackTo: null,
    },
  ],
});

export const zoneRemoved = defineEvent({
  type: 'zone.removed',
  version: 1,
  context: 'zone',
  meaning: 'A zone is no more: edges do not answer for its hosts any longer.',
  schema: z.object({ zoneId: id, name: id, zoneVersion: numberOf, reason: text }),
  key: (data) => data.zoneId,
  samples: [{ zoneId, name: 'shop', zoneVersion: 2, reason: 'moved' }],
});

export const zoneHostsClaimed = defineEvent({
  type: 'zone.hosts-claimed',
  version: 1,
  context: 'zone',
  meaning: 'Of the hosts of one domain a zone now has these and no others: nobody else can have them.',
  schema: z.object({
    domain: hostName,
    zoneId: id,
    /** The tenant whose zone it is. */
    owner: id,
    hosts: z.array(hostName).max(zoneHostsMax),
    claimedAtMs: millis,
  }),
  key: (data) => `hosts:${data.domain}`,
  samples: [{ domain: 'example.org', zoneId, owner: 'default', hosts: ['www.example.org'], claimedAtMs: 1790000000000 }],
});

/** What an edge does with what it has while it cannot know what was purged: out of touch with the log for longer than two seconds. */
export const purgePolicies = ['serve', 'revalidate', 'refuse'] as const;
export type PurgePolicy = (typeof purgePolicies)[number];

export const purgePolicySet = defineEvent({
  type: 'purge-policy.set',
  version: 1,
  context: 'zone',
  meaning: 'So edges treat a tenant’s objects while they cannot know what was purged.',
  schema: z.object({
    /** The tenant whose objects they are. */
    owner: id,
    /** Null for what each edge is set to. */
    policy: z.enum(purgePolicies).nullable(),
    reason: text,
  }),
  key: (data) => `purge-policy:${data.owner}`,
  samples: [{ owner: 'default', policy: 'serve', reason: 'a shop that is better old than away' }],
});

export type ZoneEventDefinition = typeof zoneConfigured | typeof zoneRemoved | typeof zoneHostsClaimed | typeof purgePolicySet;
