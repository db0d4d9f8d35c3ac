import { replayAggregate, type KnownReplay, type ReplayCommand, type ReplayOrder } from '#domain/operation';
import { base32Of } from '#domain/stream';
import { CommandExecutor, type CommandMeta } from '#runtime';
import { Controller } from '@nestjs/common';
import { derivedId, randomId } from '../access/secrets.ts';
import { projections } from '#read-models';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest, conflict, notFound, ProblemError } from '../http/problem.errors.ts';
import { ReplayReader } from './replay-reader.ts';
import {
  cancelReplay,
  listProjections,
  listReplays,
  pauseReplay,
  promoteReplay,
  requestReplay,
  resumeReplay,
  rollBackReplay,
  showReplay,
} from './replays.contract.ts';

function orderOf(replayId: string, body: InputOf<typeof requestReplay>['body']): ReplayOrder {
  const { projection, mode, from, until, partitions, ...choices } = body;
  const ms = (time: string | undefined): number | null => (time === undefined ? null : Date.parse(time));
  return { replayId, projection, mode, fromMs: ms(from), untilMs: ms(until), partitions: partitions ?? null, ...choices };
}

/** Replays are asked for here and done by the projectors. */
@Controller()
export class ReplaysController {
  readonly #commands: CommandExecutor;
  readonly #reader: ReplayReader;

  constructor(commands: CommandExecutor, reader: ReplayReader) {
    this.#commands = commands;
    this.#reader = reader;
  }

  @Route(requestReplay)
  async request(@Input(requestReplay) { body }: InputOf<typeof requestReplay>, @ByCaller() caller: Caller): Promise<object> {
    const { idempotencyKey, principal } = caller;
    if (!projections.some(({ name }) => name === body.projection)) {
      const message = `There is no projection "${body.projection}": they are ${projections.map(({ name }) => name).join(', ')}.`;
      throw badRequest('unknown-projection', `body.projection: ${message}`, [{ field: 'body.projection', message }]);
    }
    const id = `rp-${base32Of(idempotencyKey === undefined ? randomId() : derivedId('replay', principal.id, idempotencyKey))}`;
    const order = orderOf(id, body);
    if ((await this.#reader.state(id)) === undefined) {
      await this.#checkFree(order);
      await this.#checkWhole(order);
    }
    const result = await this.#commands.execute(replayAggregate, id, { type: 'RequestReplay', ...order }, caller);
    if (result.refused) throw badRequest(result.code, `body.${result.message}`, [{ field: `body.${result.message.split(': ')[0]}`, message: result.message }]);
    const known = result.state as KnownReplay;
    if (JSON.stringify(orderIn(known)) !== JSON.stringify(orderIn(order)))
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This Idempotency-Key was used for another request.' });
    return { id };
  }

  @Route(listReplays)
  async list(@Input(listReplays) { query }: InputOf<typeof listReplays>): Promise<object> {
    return { items: await this.#reader.list(query) };
  }

  @Route(showReplay)
  async show(@Input(showReplay) { params }: InputOf<typeof showReplay>, @ByCaller() { principal }: Caller): Promise<object> {
    const replay = await this.#reader.show(params.id, principal);
    if (replay === undefined) throw unknown(params.id);
    return replay;
  }

  @Route(pauseReplay)
  pause(@Input(pauseReplay) { params }: InputOf<typeof pauseReplay>, @ByCaller() caller: Caller): Promise<object> {
    return this.#tell(params.id, { type: 'PauseReplay' }, caller);
  }

  @Route(resumeReplay)
  resume(@Input(resumeReplay) { params }: InputOf<typeof resumeReplay>, @ByCaller() caller: Caller): Promise<object> {
    return this.#tell(params.id, { type: 'ResumeReplay' }, caller);
  }

  @Route(cancelReplay)
  cancel(@Input(cancelReplay) { params, body }: InputOf<typeof cancelReplay>, @ByCaller() caller: Caller): Promise<object> {
    return this.#tell(params.id, { type: 'CancelReplay', reason: body.reason }, caller);
  }

  @Route(promoteReplay)
  async promote(@Input(promoteReplay) { params, body }: InputOf<typeof promoteReplay>, @ByCaller() caller: Caller): Promise<object> {
    await this.#checkCaughtUp(params.id);
    return this.#tell(params.id, { type: 'PromoteReplay', acceptLoss: body.acceptLoss }, caller);
  }

  @Route(rollBackReplay)
  rollBack(@Input(rollBackReplay) { params, body }: InputOf<typeof rollBackReplay>, @ByCaller() caller: Caller): Promise<object> {
    return this.#tell(params.id, { type: 'RollBackReplay', reason: body.reason }, caller);
  }

  @Route(listProjections)
  async projections(): Promise<object> {
    return { items: await this.#reader.projections() };
  }

  /** Two builds of one read model would do the same work twice. */
  async #checkFree({ projection, mode }: ReplayOrder): Promise<void> {
    const other = (await this.#reader.building(projection)).find((one) => one.mode === mode);
    if (other !== undefined) throw conflict('replay-running', `The replay ${other.replayId} of ${projection} is under way: wait for it, or cancel it.`);
  }

  /** What is sure to be held back is not built for hours first. @throws ProblemError `replay-past-gone` */
  async #checkWhole({ projection, promote, acceptLoss = false }: ReplayOrder): Promise<void> {
    const gone = promote && !acceptLoss ? await this.#reader.eventsGone(projection) : 0;
    if (gone === 0) return;
    const detail = `The log no longer holds ${gone.toLocaleString('en-US')} events of what ${projection} is made of: rows that only they told of would be lost. "streams replay diff ${projection}" lists them; --accept-loss (over REST: acceptLoss) promotes it all the same.`;
    throw new ProblemError({ status: 409, code: 'replay-past-gone', detail, extensions: { eventsGone: gone } });
  }

  /** @throws ProblemError `replay-behind`, naming the partition that lacks most. */
  async #checkCaughtUp(id: string): Promise<void> {
    const state = await this.#reader.state(id);
    if (state === undefined || (state.status !== 'requested' && state.status !== 'running' && state.status !== 'paused')) return;
    const behind = await this.#reader.behindOf(id);
    const where =
      behind === null ? 'its indexes are not made yet' : `it is ${behind.events} events behind the log, most of them in partition ${behind.partition}`;
    throw new ProblemError({ status: 409, code: 'replay-behind', detail: `The replay ${id} cannot be promoted yet: ${where}.`, extensions: { behind } });
  }

  async #tell(id: string, command: ReplayCommand, caller: CommandMeta): Promise<object> {
    const result = await this.#commands.execute(replayAggregate, id, command, caller);
    if (!result.refused) return { id, status: result.state.status };
    throw result.code === 'unknown-replay' ? unknown(id) : conflict(result.code, result.message);
  }
}

function orderIn(order: ReplayOrder): readonly unknown[] {
  const { projection, mode, fromMs, untilMs, partitions, promote, reason, onPoison = 'stop', acceptLoss = false } = order;
  return [projection, mode, fromMs, untilMs, partitions, promote, reason, onPoison, acceptLoss];
}

function unknown(id: string): ProblemError {
  return notFound('unknown-replay', `There is no replay ${id}.`);
}
