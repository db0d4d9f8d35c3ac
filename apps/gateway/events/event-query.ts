import { seesEveryTenant, seesTenant, type Principal } from '#domain/access';
import type { Context } from '#events';
import type { z } from 'zod';
import { badRequest } from '../http/problem.errors.ts';
import type { EventFilter } from './event-filter.core.ts';
import type { followEvents, listEvents } from './events.contract.ts';
import type { ResumeTokens } from './resume-token.codec.ts';
import { positionsOfToken, type Start } from './subscriptions.ts';

type ListQuery = z.infer<typeof listEvents.query>;
type LiveQuery = z.infer<typeof followEvents.query>;

export function filterOf({ context, type, subject, subjectPrefix, key, tenant }: ListQuery | LiveQuery, principal: Principal): EventFilter {
  return visibleTo(principal, { contexts: context, types: type, subject, subjectPrefix, key, tenant });
}

/**
 * What the principal sees of what it asks for. What is another tenant's is not there, except for those who administer the
 * platform: who names it gets nothing, as from every other operation.
 */
export function visibleTo(principal: Principal, asked: EventFilter): EventFilter {
  const { tenant } = asked;
  if (tenant !== undefined && !seesTenant(principal, tenant)) return { ...asked, contexts: [] };
  return { ...asked, contexts: contextsOf(asked.contexts, principal), ...(tenant === undefined ? tenantOf(principal) : {}) };
}

function tenantOf(principal: Principal): Pick<EventFilter, 'tenant'> {
  return seesEveryTenant(principal) ? {} : { tenant: principal.tenant };
}

/** The contexts asked for that the principal may see: what it may not see is not there either. */
function contextsOf(asked: readonly Context[] | undefined, { contexts }: Principal): readonly Context[] | undefined {
  if (contexts === undefined) return asked;
  return asked === undefined ? contexts : asked.filter((context) => contexts.includes(context));
}

/**
 * Where a live reader begins: behind the id that its browser remembers, or where the query says.
 * @throws ProblemError 400 naming the field.
 */
export function startOf(tokens: ResumeTokens, filter: EventFilter, { from, since }: LiveQuery, lastId?: string | string[]): Start {
  if (typeof lastId === 'string' && lastId !== '') return { positions: positionsOfToken(tokens, 'live', filter, lastId, 'headers.last-event-id') };
  if (since !== undefined) {
    if (from === 'now') return { timeMs: since };
    const message = 'Give either a time or a place to begin from.';
    throw badRequest('invalid-request', `query.since: ${message}`, [{ field: 'query.since', message }]);
  }
  if (from === 'now' || from === 'recent' || from === 'beginning') return { at: from };
  return { positions: positionsOfToken(tokens, 'live', filter, from, 'query.from') };
}
