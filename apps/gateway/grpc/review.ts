import { homeTenantOf, seesEveryTenant } from '#domain/access';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { badRequest } from '../http/problem.errors.ts';
import { expressionCharsMax } from '../review/event-expression.ts';
import type { EventReview } from '../review/event-review.ts';
import type { Reviewer } from '../review/reveal.ts';
import { formatCursor, parseCursor } from '../review/index-cursor.codec.ts';
import { encodeEvent } from './event-batch.codec.ts';
import { EventService, GetCausationResponseSchema, SearchEventsResponseSchema, type SearchEventsRequest } from './generated/streams/v1/event_service_pb.ts';
import type { GrpcCaller, GrpcCalls } from './grpc-calls.ts';
import { filterOfMessage } from './subscribe.ts';

const scopes = ['view', 'operate'] as const;
const textMax = 256;

function reviewerOf({ principal, correlationId, traceparent }: GrpcCaller): Reviewer {
  return { principal, actor: principal.actor, tenant: homeTenantOf(principal), confined: !seesEveryTenant(principal), correlationId, traceparent };
}

/** @throws ProblemError 400 naming the field. */
function bounded(field: string, value: number, fallback: number, max: number): number {
  if (value === 0) return fallback;
  if (value <= max) return value;
  throw badRequest('invalid-request', `${field}: At most ${max}.`, [{ field, message: `At most ${max}.` }]);
}

/** @throws ProblemError 400 naming the field. */
function given(field: string, text: string, max = textMax): string | undefined {
  bounded(field, text.length, 0, max);
  return text === '' ? undefined : text;
}

function msOf(time: Timestamp | undefined): number | undefined {
  return time === undefined ? undefined : Math.min(Math.max(0, Math.trunc(timestampMs(time))), Number.MAX_SAFE_INTEGER);
}

/** `SearchEvents` and `GetCausation`. */
export function reviewHandlers(calls: GrpcCalls, review: EventReview): UntypedServiceImplementation {
  const searchEvents = calls.unary(EventService.method.searchEvents, scopes, async (request, caller) => {
    const { key, ...filter } = filterOfMessage(request.filter, caller);
    if (key !== undefined)
      throw badRequest('invalid-request', 'filter.key: Search by the subject instead.', [{ field: 'filter.key', message: 'Search by the subject instead.' }]);
    const page = await review.search({ ...askedBy(request), filter: { ...filter, ...attributesOf(request) } }, reviewerOf(caller));
    const { searchedTo, looked, inapplicable } = page;
    const rest = create(SearchEventsResponseSchema, {
      nextPageToken: searchedTo === undefined ? '' : formatCursor(searchedTo),
      looked,
      inapplicable: inapplicable?.count ?? 0,
      problem: inapplicable?.problem ?? '',
    });
    const events = page.events.flatMap(({ event, record }) => (record === undefined ? [] : [encodeEvent(event.topic, record)]));
    return Buffer.concat([...events, toBinary(SearchEventsResponseSchema, rest)]);
  });
  const getCausation = calls.unary(EventService.method.getCausation, scopes, async ({ id, nodesMax, depthMax }, caller) => {
    if (id === '') throw badRequest('invalid-request', 'id: Say which event.', [{ field: 'id', message: 'Say which event.' }]);
    const limits = { nodesMax: bounded('nodes_max', nodesMax, 10_000, 20_000), depthMax: bounded('depth_max', depthMax, 64, 200) };
    const tree = await review.causation(id, limits, caller);
    return create(GetCausationResponseSchema, {
      causeId: tree.causeId ?? '',
      truncated: tree.truncated,
      nodes: tree.nodes.map(({ event, parentId, depth }) => ({
        ...{ id: event.id, parentId: parentId ?? '', depth, type: event.type, context: event.topic, subject: event.subject },
        ...{ tenant: event.tenant, actor: event.actor, time: timestampFromMs(event.time) },
      })),
    });
  });
  return { searchEvents, getCausation };
}

function attributesOf({ actor, correlationId, causationId }: SearchEventsRequest) {
  return { actor: given('actor', actor), correlationId: given('correlation_id', correlationId), causationId: given('causation_id', causationId) };
}

function askedBy({ since, until, where, pageSize, pageToken }: SearchEventsRequest) {
  return {
    fromMs: msOf(since),
    untilMs: msOf(until),
    where: given('where', where, expressionCharsMax),
    whereField: 'where',
    limit: bounded('page_size', pageSize, 50, 200),
    before: pageToken === '' ? undefined : parseCursor(pageToken, 'page_token'),
  };
}
