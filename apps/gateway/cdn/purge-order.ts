import { patternProblem } from '#adapters/re2';
import { homeTenantOf, seesEveryTenant, type Principal } from '#domain/access';
import type { PurgeOrder } from '#domain/cache';
import type { PurgeSelector } from '#events';
import { badRequest } from '../http/problem.errors.ts';
import type { InputOf } from '../http/operation.ts';
import type { purgeCache } from './cdn.contract.ts';

type PurgeBody = InputOf<typeof purgeCache>['body'];

/** What the platform's own tags of media name, which only their owner may purge. */
const ownTag = /^(?:stream|playlist)-/i;

/** Where a field of the request has gone in the order, to name it when it is refused. */
export interface NamedOrder {
  readonly order: PurgeOrder;
  readonly fields: readonly string[];
}

/**
 * A request as an order. What names no place reaches no further than its caller: a tenant's tags, patterns and everything
 * are those of its own zones.
 * @throws ProblemError 400 for a pattern that is none
 */
export function purgeOrderOf(body: PurgeBody, principal: Principal): NamedOrder {
  const reach = seesEveryTenant(principal) ? {} : { tenant: homeTenantOf(principal) };
  const named: Array<readonly [string, PurgeSelector]> = [
    ...body.prefixes.map((value, at) => [`prefixes.${at}`, { kind: 'prefix' as const, value, ...reach }] as const),
    ...body.tags.map((value, at) => [`tags.${at}`, { kind: 'tag' as const, value, ...(ownTag.test(value) ? {} : reach) }] as const),
    ...body.patterns.map(({ pattern, host, zone }, at) => {
      const problem = patternProblem(pattern);
      if (problem !== undefined) throw badPattern(at, problem);
      const where = { ...(host === undefined ? {} : { host }), ...(zone === undefined ? {} : { zone }) };
      return [`patterns.${at}`, { kind: 'regex' as const, value: pattern, ...where, ...reach }] as const;
    }),
    ...body.hosts.map((value, at) => [`hosts.${at}`, { kind: 'host' as const, value }] as const),
    ...body.zones.map((value, at) => [`zones.${at}`, { kind: 'zone' as const, value }] as const),
    ...(body.all ? [['all', { kind: 'all' as const, value: '', ...reach }] as const] : []),
  ];
  const { urls, reason } = body;
  const order = { urls, selectors: named.map(([, selector]) => selector), soft: body.mode === 'soft', dryRun: body.dryRun, reason };
  return { order, fields: named.map(([field]) => field) };
}

function badPattern(at: number, problem: string): Error {
  const field = `body.patterns.${at}.pattern`;
  return badRequest('invalid-pattern', `${field}: ${problem}`, [{ field, message: problem }]);
}
