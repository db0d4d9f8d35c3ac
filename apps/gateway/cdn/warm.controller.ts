import { warmAggregate } from '#domain/cache';
import { base32Of } from '#domain/stream';
import { CommandExecutor } from '#runtime';
import { Controller } from '@nestjs/common';
import { derivedId, randomId } from '../access/secrets.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest, ProblemError } from '../http/problem.errors.ts';
import { PastModels } from '../past/past-models.ts';
import { PurgeRates } from './purge-rates.ts';
import { PurgeTargets } from './purge-targets.ts';
import { showWarm, warmCache } from './warm.contract.ts';
import { WarmReader } from './warm-reader.ts';

@Controller()
export class WarmController {
  readonly #commands: CommandExecutor;
  readonly #reader: WarmReader;
  readonly #targets: PurgeTargets;
  readonly #rates: PurgeRates;
  readonly #past: PastModels;

  constructor(commands: CommandExecutor, reader: WarmReader, targets: PurgeTargets, rates: PurgeRates, past: PastModels) {
    this.#commands = commands;
    this.#reader = reader;
    this.#targets = targets;
    this.#rates = rates;
    this.#past = past;
  }

  @Route(warmCache)
  async warm(@Input(warmCache) { body }: InputOf<typeof warmCache>, @ByCaller() caller: Caller): Promise<object> {
    const { idempotencyKey, principal } = caller;
    // Whoever may make edges forget something may make them fetch it.
    await this.#targets.check({ order: { urls: body.urls, reason: '' }, fields: [] }, principal);
    await this.#targets.check({ order: { urls: body.sitemaps, reason: '' }, fields: [] }, principal);
    await this.#rates.takeWarm(body.urls.length + body.sitemaps.length * 1000, principal);
    const warmId = `wm-${base32Of(idempotencyKey === undefined ? randomId() : derivedId('warm', principal.id, idempotencyKey))}`;
    const result = await this.#commands.execute(warmAggregate, warmId, { type: 'RequestWarm', warmId, ...body }, caller);
    if (!result.refused) return { warmId };
    if (result.code === 'another-warming')
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This Idempotency-Key was used for another request.' });
    const [field = ''] = result.message.split(': ');
    const told = `body.${result.message}`;
    throw badRequest(result.code, told, [{ field: `body.${field}`, message: told }]);
  }

  @Route(showWarm)
  async showWarm(@Input(showWarm) { params, query }: InputOf<typeof showWarm>, @ByCaller() { principal }: Caller): Promise<object> {
    if (query.asOf === undefined) return this.#reader.existing(params.id, principal);
    return this.#past.at(query.asOf, 'query.asOf', ({ reads }) => new WarmReader(reads).existing(params.id, principal));
  }
}
