import { sealingAggregate, type KnownSealing } from '#domain/operation';
import { base32Of } from '#domain/stream';
import { AggregateStore } from '#ports';
import { CommandExecutor } from '#runtime';
import { Controller } from '@nestjs/common';
import { derivedId, randomId } from '../access/secrets.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { notFound, ProblemError } from '../http/problem.errors.ts';
import { RetentionReader } from './retention-reader.ts';
import { listSegments, requestSealing, showRetention, showSealing } from './retention.contract.ts';

/** Where the past of the log lies. Sealing is asked for here and done by a projector. */
@Controller()
export class RetentionController {
  readonly #reader: RetentionReader;
  readonly #commands: CommandExecutor;
  readonly #aggregates: AggregateStore;

  constructor(reader: RetentionReader, commands: CommandExecutor, aggregates: AggregateStore) {
    this.#reader = reader;
    this.#commands = commands;
    this.#aggregates = aggregates;
  }

  @Route(showRetention)
  async show(@Input(showRetention) { query }: InputOf<typeof showRetention>): Promise<object> {
    const { topic, olderThanSeconds } = query;
    return { partitions: await this.#reader.partitions(topic, olderThanSeconds === undefined ? undefined : olderThanSeconds * 1000) };
  }

  @Route(listSegments)
  async segments(@Input(listSegments) { params }: InputOf<typeof listSegments>): Promise<object> {
    return { items: await this.#reader.segments(params.topic, params.partition) };
  }

  @Route(requestSealing)
  async request(@Input(requestSealing) { body }: InputOf<typeof requestSealing>, @ByCaller() caller: Caller): Promise<object> {
    const { idempotencyKey, principal } = caller;
    const id = `sl-${base32Of(idempotencyKey === undefined ? randomId() : derivedId('sealing', principal.id, idempotencyKey))}`;
    const olderThanMs = Math.round(body.olderThanSeconds * 1000);
    const command = { type: 'RequestSealing', sealingId: id, olderThanMs, reason: body.reason } as const;
    const result = await this.#commands.execute(sealingAggregate, id, command, caller);
    // The same key again is the same order.
    if (result.refused && (result.state as KnownSealing).olderThanMs !== olderThanMs)
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This Idempotency-Key was used for another request.' });
    return { id };
  }

  @Route(showSealing)
  async sealing(@Input(showSealing) { params }: InputOf<typeof showSealing>): Promise<object> {
    const head = await this.#aggregates.load(sealingAggregate.context, params.id);
    if (head === undefined) throw notFound('unknown-sealing', `There is no sealing ${params.id}.`);
    const { sealing, olderThanMs, result } = head.state as KnownSealing;
    return { id: params.id, state: sealing, olderThanSeconds: olderThanMs / 1000, result };
  }
}
