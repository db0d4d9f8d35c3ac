import { sandboxAggregate, sandboxAggregateId, type KnownSandbox } from '#domain/operation';
import { base32Of } from '#domain/stream';
import { Clock } from '#ports';
import { CommandExecutor } from '#runtime';
import { Controller } from '@nestjs/common';
import { derivedId, randomId } from '../access/secrets.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest, conflict, ProblemError } from '../http/problem.errors.ts';
import { projections } from '#read-models';
import { SandboxReader, unknownSandbox } from './sandbox-reader.ts';
import { SandboxRules } from './sandbox-rules.ts';
import { createSandbox, dropSandbox, listSandboxes, showSandbox } from './sandboxes.contract.ts';

type Body = InputOf<typeof createSandbox>['body'];

/** Letters of a sandbox's id: it goes into names of schemas. */
const idLetters = 10;

/** Sandboxes are asked for here and built by the projectors. */
@Controller()
export class SandboxesController {
  readonly #commands: CommandExecutor;
  readonly #reader: SandboxReader;
  readonly #rules: SandboxRules;
  readonly #clock: Clock;

  constructor(commands: CommandExecutor, reader: SandboxReader, rules: SandboxRules, clock: Clock) {
    this.#commands = commands;
    this.#reader = reader;
    this.#rules = rules;
    this.#clock = clock;
  }

  @Route(createSandbox)
  async create(@Input(createSandbox) { body }: InputOf<typeof createSandbox>, @ByCaller() caller: Caller): Promise<object> {
    const { idempotencyKey, principal } = caller;
    const projections = projectionsOf(body);
    const sandboxId = base32Of(idempotencyKey === undefined ? randomId() : derivedId('sandbox', principal.id, idempotencyKey)).slice(0, idLetters);
    const standing = await this.#reader.standing();
    const known = standing.find((one) => one.sandboxId === sandboxId);
    if (known !== undefined) return { name: sameOrder(known, body, projections), id: sandboxId };
    this.#rules.checkRoom(standing.length);
    const now = this.#clock.now();
    const untilMs = body.until === undefined ? now : Date.parse(body.until);
    if (untilMs > now) throw untilInFuture(now);
    const order = {
      ...{ name: body.name, sandboxId, projections, reason: body.reason },
      fromMs: body.from === undefined ? null : Date.parse(body.from),
      untilMs,
      expiresAtMs: now + this.#rules.keepMs(body.expiresInHours),
    };
    const result = await this.#commands.execute(sandboxAggregate, sandboxAggregateId(body.name), { type: 'CreateSandbox', ...order }, caller);
    if (!result.refused) return { name: body.name, id: sandboxId };
    if (result.code === 'sandbox-exists') throw conflict(result.code, result.message.replace(/^name: /, ''));
    throw badRequest(result.code, `body.${result.message}`, [{ field: `body.${result.message.split(': ')[0]}`, message: result.message }]);
  }

  @Route(listSandboxes)
  async list(): Promise<object> {
    return { items: await this.#reader.list() };
  }

  @Route(showSandbox)
  show(@Input(showSandbox) { params }: InputOf<typeof showSandbox>): Promise<object> {
    return this.#reader.show(params.name);
  }

  @Route(dropSandbox)
  async drop(@Input(dropSandbox) { params, query }: InputOf<typeof dropSandbox>, @ByCaller() caller: Caller): Promise<object> {
    const command = { type: 'DropSandbox', reason: query.reason, requestedBy: caller.actor } as const;
    const result = await this.#commands.execute(sandboxAggregate, sandboxAggregateId(params.name), command, caller);
    if (result.refused) throw unknownSandbox(params.name);
    return { name: params.name, status: result.state.status };
  }
}

/** @throws ProblemError 400 naming one that there is not */
function projectionsOf({ projections: asked }: Body): readonly string[] {
  const all = projections.map(({ name }) => name);
  if (asked === undefined) return all;
  const unknown = asked.findIndex((name) => !all.includes(name));
  if (unknown < 0) return [...new Set(asked)];
  const field = `body.projections.${unknown}`;
  const message = `There is no projection "${asked[unknown]}": they are ${all.join(', ')}.`;
  throw badRequest('unknown-projection', `${field}: ${message}`, [{ field, message }]);
}

/** What is to come is not built: a sandbox stands still. */
function untilInFuture(nowMs: number): ProblemError {
  const message = `This time has not come yet: it is ${new Date(nowMs).toISOString()} here.`;
  return badRequest('until-in-future', `body.until: ${message}`, [{ field: 'body.until', message }]);
}

/** The sandbox of the same idempotency key. @throws ProblemError 422 when it was another order */
function sameOrder(known: KnownSandbox, { name, from, until, reason }: Body, projections: readonly string[]): string {
  const asked = [name, from === undefined ? null : Date.parse(from), reason, projections];
  const same = JSON.stringify(asked) === JSON.stringify([known.name, known.fromMs, known.reason, known.projections]);
  if (same && (until === undefined || Date.parse(until) >= known.untilMs)) return known.name;
  throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This Idempotency-Key was used for another request.' });
}
