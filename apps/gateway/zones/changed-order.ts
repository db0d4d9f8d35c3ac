import { patternProblem } from '#adapters/re2';
import type { PurgeOrder } from '#domain/cache';
import type { KnownZone } from '#domain/edge';
import type { PurgeSelector, ZoneConfiguration } from '#events';
import { z } from 'zod';
import { lineOfText } from '../http/fields.ts';
import { badRequest } from '../http/problem.errors.ts';

const many = (text: z.ZodType<string>) => z.array(text).max(1000).default([]);

/** What changed: URLs of the zone or paths on all of its hosts, what begins or looks so, tags, or everything. */
export const changedBody = z.strictObject({
  urls: many(lineOfText.min(1).max(4096)),
  prefixes: many(lineOfText.min(1).max(4096)),
  patterns: many(lineOfText.min(1).max(1024)),
  tags: many(lineOfText.min(1).max(256)),
  all: z.boolean().default(false),
  mode: z.enum(['hard', 'soft']).default('hard'),
  reason: lineOfText.max(200).default('the origin says that it changed'),
});

export type Changed = z.infer<typeof changedBody>;

function fits(hosts: readonly string[], name: string): boolean {
  return hosts.some((host) => (host.startsWith('*.') ? name.endsWith(host.slice(1)) : host === name));
}

const literal = (path: string): string => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

interface Targets {
  readonly named: readonly string[];
  readonly selectors: readonly PurgeSelector[];
}

/** A path stands for all hosts of the zone; those below a wildcard cannot be named one by one, but by how they look. */
function pathTargets(path: string, looks: string, zoneId: string, { hosts }: ZoneConfiguration): Targets {
  const named = hosts.filter((host) => !host.startsWith('*.')).map((host) => `http://${host}${path}`);
  return named.length === hosts.length ? { named, selectors: [] } : { named: [], selectors: [{ kind: 'regex', value: looks, zone: zoneId }] };
}

const isPath = (target: string): boolean => target.startsWith('/') && !target.startsWith('//');

/** @throws ProblemError 400 for a URL of another host */
function ofZone(target: string, field: string, { hosts }: ZoneConfiguration): string {
  if (URL.canParse(target) && fits(hosts, new URL(target).hostname)) return target;
  const message = 'Expected a path, or a URL of a host of this zone.';
  throw badRequest('unknown-url', `${field}: ${message}`, [{ field, message }]);
}

function patternOf(value: string, at: number, zoneId: string): PurgeSelector {
  const message = patternProblem(value);
  const field = `body.patterns.${at}`;
  if (message !== undefined) throw badRequest('invalid-pattern', `${field}: ${message}`, [{ field, message }]);
  return { kind: 'regex', value, zone: zoneId };
}

/**
 * What a zone's origin says as a purge that reaches no further than the zone, and with tags its tenant's.
 * @throws ProblemError 400 for a URL of another host, for a pattern that is none, and for nothing at all
 */
export function changedOrder({ all, mode, patterns, prefixes, reason, tags, urls }: Changed, { configuration, zoneId }: KnownZone, tenant: string): PurgeOrder {
  const named = urls.map((url, at) =>
    isPath(url) ? pathTargets(url, `^${literal(url)}$`, zoneId, configuration) : { named: [ofZone(url, `body.urls.${at}`, configuration)], selectors: [] },
  );
  const begun = prefixes.map((prefix, at) =>
    isPath(prefix)
      ? pathTargets(prefix, `^${literal(prefix)}`, zoneId, configuration)
      : { named: [ofZone(prefix, `body.prefixes.${at}`, configuration)], selectors: [] },
  );
  const selectors: PurgeSelector[] = [
    ...tags.map((value) => ({ kind: 'tag' as const, value, tenant })),
    ...named.flatMap((one) => one.selectors),
    ...begun.flatMap((one) => [...one.named.map((value) => ({ kind: 'prefix' as const, value, tenant })), ...one.selectors]),
    ...patterns.map((pattern, at) => patternOf(pattern, at, zoneId)),
    ...(all ? [{ kind: 'zone' as const, value: zoneId }] : []),
  ];
  const order = { urls: named.flatMap((one) => one.named), selectors, soft: mode === 'soft', dryRun: false, reason };
  if (order.urls.length + selectors.length === 0) throw badRequest('nothing-to-purge', 'body: Expected urls, prefixes, patterns, tags or all.');
  return order;
}
