import { parkedAggregate, parkedKeyOf, type ParkedKey, type ParkedVerb } from '#domain/operation';
import { CommandExecutor } from '#runtime';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest, conflict, notFound, ProblemError } from '../http/problem.errors.ts';
import { PastModels } from '../past/past-models.ts';
import { ParkedReader } from './parked-reader.ts';
import { discardParked, listParked, retryAllParked, retryParked, showParked } from './parked.contract.ts';

/** What waits for somebody to look at it: asked for here, done by the projectors. */
@Controller()
export class ParkedController {
  readonly #commands: CommandExecutor;
  readonly #reader: ParkedReader;
  readonly #past: PastModels;

  constructor(commands: CommandExecutor, reader: ParkedReader, past: PastModels) {
    this.#past = past;
    this.#commands = commands;
    this.#reader = reader;
  }

  @Route(listParked)
  list(@Input(listParked) { query }: InputOf<typeof listParked>): Promise<object> {
    const { asOf: moment, ...page } = query;
    if (moment === undefined) return this.#reader.list(page);
    return this.#past.at(moment, 'query.asOf', async ({ asOf, reads }) => {
      const found = await this.#reader.listPast(reads, page);
      if (found.items.length === 0) await this.#past.requireBegun(asOf, 'query.asOf');
      return found;
    });
  }

  @Route(showParked)
  async show(@Input(showParked) { params }: InputOf<typeof showParked>, @ByCaller() { principal }: Caller): Promise<object> {
    const found = await this.#reader.show(keyOf(params.id), principal.scopes.includes('admin'));
    if (found === undefined) throw unknown(params.id);
    return found;
  }

  @Route(retryAllParked)
  async retryAll(@Input(retryAllParked) { body }: InputOf<typeof retryAllParked>, @ByCaller() caller: Caller): Promise<object> {
    const { reason, limit, ...filter } = body;
    const { items, nextCursor } = await this.#reader.list({ ...filter, state: 'parked', limit });
    const ids: string[] = [];
    const refused: Array<{ readonly id: string; readonly message: string }> = [];
    for (const { id, state } of items) {
      if (state !== 'parked') continue;
      try {
        await this.#order(id, 'retry', reason, caller);
        ids.push(id);
      } catch (error) {
        // One that cannot be retried holds back no other.
        if (!(error instanceof ProblemError) || error.init.status !== 409) throw error;
        refused.push({ id, message: error.message });
      }
    }
    return { ids, refused, more: nextCursor !== null };
  }

  @Route(retryParked)
  async retry(@Input(retryParked) { params, body }: InputOf<typeof retryParked>, @ByCaller() caller: Caller): Promise<object> {
    await this.#checkWaits(params.id);
    await this.#order(params.id, 'retry', body.reason, caller);
    return { id: params.id, state: 'retrying' };
  }

  @Route(discardParked)
  async discard(@Input(discardParked) { params, body }: InputOf<typeof discardParked>, @ByCaller() caller: Caller): Promise<object> {
    await this.#checkWaits(params.id);
    await this.#order(params.id, 'discard', body.reason, caller);
    return { id: params.id, state: 'discarding' };
  }

  /** @throws ProblemError 404 for one that never was, 409 for one that is dealt with. */
  async #checkWaits(id: string): Promise<void> {
    const state = await this.#reader.state(keyOf(id));
    if (state === undefined) throw unknown(id);
    if (state === 'redriven' || state === 'discarded' || state === 'gone')
      throw conflict('not-parked', `The event ${id} is not parked any more: it is ${state}.`);
  }

  async #order(id: string, verb: ParkedVerb, reason: string, caller: Caller): Promise<void> {
    const result = await this.#commands.execute(parkedAggregate, id, { type: 'OrderRedrive', ...keyOf(id), verb, requestedBy: caller.actor, reason }, caller);
    if (!result.refused) return;
    if (result.code === 'reason-missing') throw badRequest(result.code, `body.${result.message}`, [{ field: 'body.reason', message: result.message }]);
    throw conflict(result.code, result.message);
  }
}

function keyOf(id: string): ParkedKey {
  const key = parkedKeyOf(id);
  if (key === undefined) throw unknown(id);
  return key;
}

function unknown(id: string): ProblemError {
  return notFound('unknown-parked-event', `There is no parked event ${id}.`);
}
