import { allows, homeTenantOf, isOfPlatform, mayPublish, type Principal } from '#domain/access';
import { cloudEventJson, definitionOf, personalFieldsOf, type Context } from '#events';
import { recordBytes } from '#ports';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { jsonSchemaOf } from '../catalogue/json-schemas.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { EventReview, storedVersionOf } from './event-review.ts';
import type { FoundEvent } from './event-search.ts';
import { formatCursor, parseCursor } from './index-cursor.codec.ts';
import { searchEvents, showCausation, showEvent } from './review.contract.ts';

const json = 'application/json; charset=utf-8';

/** The event browser: find events, look at one, see what caused it and what came of it. */
@Controller()
export class ReviewController {
  readonly #review: EventReview;

  constructor(review: EventReview) {
    this.#review = review;
  }

  @Route(searchEvents)
  async search(@Input(searchEvents) { query }: InputOf<typeof searchEvents>, @ByCaller() caller: Caller, @Res() reply: FastifyReply): Promise<void> {
    const { context, type, since, until, cursor, limit, where, reveal, ...rest } = query;
    const asked = { filter: { ...rest, contexts: context, types: type }, fromMs: since, untilMs: until, limit, where, reveal };
    const page = await this.#review.search({ ...asked, before: cursor === undefined ? undefined : parseCursor(cursor) }, caller);
    const { searchedTo, looked, inapplicable = null } = page;
    const end = JSON.stringify({
      nextCursor: searchedTo === undefined ? null : formatCursor(searchedTo),
      searchedTo: isoTime(searchedTo?.recordedAt),
      looked,
      inapplicable,
    });
    void reply.type(json).send(`{"items":[${page.events.map(jsonOf).join(',')}],${end.slice(1)}`);
  }

  @Route(showEvent)
  async show(@Input(showEvent) { params, query }: InputOf<typeof showEvent>, @ByCaller() caller: Caller, @Res() reply: FastifyReply): Promise<void> {
    const { event, record, stored, data, problem, revealed } = await this.#review.show(params.id, query.reveal, caller);
    const definition = definitionOf(event.type);
    const storedVersion = storedVersionOf(stored);
    const rest = {
      storedVersion: storedVersion ?? null,
      version: definition?.version ?? null,
      open: definition?.publishers === 'anyone',
      meaning: definition?.meaning ?? null,
      schema: storedVersion === undefined ? null : await jsonSchemaOf(event.type, storedVersion),
      data: data ?? null,
      problem: problem ?? null,
      personal: personalFieldsOf(event.type).map((path) => path.join('.')),
      revealed,
      bytes: recordBytes(stored),
      may: mayDo(caller.principal, event.topic, definition?.publishers === 'anyone'),
      proof: `/api/v1/ledger/${event.topic}/${event.partition}/offsets/${event.offset}/proof`,
    };
    void reply.type(json).send(`{"event":${cloudEventJson(event.topic, record)},${JSON.stringify(rest).slice(1)}`);
  }

  @Route(showCausation)
  async causation(@Input(showCausation) { params, query }: InputOf<typeof showCausation>, @ByCaller() caller: Caller): Promise<object> {
    const { causeId, nodes, truncated } = await this.#review.causation(params.id, { depthMax: query.depth, nodesMax: query.nodes }, caller);
    return {
      id: params.id,
      causeId: causeId ?? null,
      nodes: nodes.map(({ event: { id, type, topic, subject, tenant, actor, time }, parentId, depth }) => ({
        ...{ id, parentId: parentId ?? null, depth, type, context: topic, subject, tenant, actor, time: isoTime(time) },
      })),
      truncated,
    };
  }
}

/** As the operations judge when they are asked. */
function mayDo(principal: Principal, context: Context, isOpen: boolean): object {
  return {
    reveal: allows(principal, 'admin'),
    prove: allows(principal, 'operate') && isOfPlatform(principal),
    publishAs: isOpen && mayPublish(principal, context) ? homeTenantOf(principal) : null,
  };
}

/** What retention took off the log is still known by name. */
function jsonOf({ event, record }: FoundEvent): string {
  if (record !== undefined) return cloudEventJson(event.topic, record);
  const { id, type, subject, time, tenant, topic, partition, offset, recordedAt } = event;
  return JSON.stringify({
    ...{ specversion: '1.0', id, type, source: '', subject, time: isoTime(time), tenant, actor: '' },
    ...{ recordedtime: isoTime(recordedAt), topic, partition, offset: String(offset), data: {}, removed: true },
  });
}
