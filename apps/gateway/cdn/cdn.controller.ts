import { purgeAggregate } from '#domain/cache';
import { base32Of } from '#domain/stream';
import { CommandExecutor } from '#runtime';
import { Controller } from '@nestjs/common';
import { derivedId, randomId } from '../access/secrets.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest, ProblemError } from '../http/problem.errors.ts';
import { PastModels } from '../past/past-models.ts';
import { listPurges, purgeCache, showPurge } from './cdn.contract.ts';
import { CdnReader } from './cdn-reader.ts';
import { PurgedZones } from './purged-zones.ts';
import { purgeOrderOf, type NamedOrder } from './purge-order.ts';
import { PurgeRates } from './purge-rates.ts';
import { PurgeTargets } from './purge-targets.ts';

@Controller()
export class CdnController {
  readonly #commands: CommandExecutor;
  readonly #reader: CdnReader;
  readonly #zones: PurgedZones;
  readonly #targets: PurgeTargets;
  readonly #rates: PurgeRates;
  readonly #past: PastModels;

  constructor(commands: CommandExecutor, reader: CdnReader, zones: PurgedZones, targets: PurgeTargets, rates: PurgeRates, past: PastModels) {
    this.#commands = commands;
    this.#reader = reader;
    this.#zones = zones;
    this.#targets = targets;
    this.#rates = rates;
    this.#past = past;
  }

  @Route(purgeCache)
  async purge(@Input(purgeCache) { body }: InputOf<typeof purgeCache>, @ByCaller() caller: Caller): Promise<object> {
    const { idempotencyKey, principal } = caller;
    const named = purgeOrderOf(await this.#zones.named(body, principal), principal);
    await this.#targets.check(named, principal);
    await this.#rates.take(named.order, principal);
    const purgeId = `pg-${base32Of(idempotencyKey === undefined ? randomId() : derivedId('purge', principal.id, idempotencyKey))}`;
    const result = await this.#commands.execute(purgeAggregate, purgeId, { type: 'RequestPurge', purgeId, ...named.order }, caller);
    if (!result.refused) return { purgeId };
    if (result.code === 'another-purge')
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This Idempotency-Key was used for another request.' });
    throw refusedTarget(result, named);
  }

  @Route(listPurges)
  listPurges(@Input(listPurges) { query }: InputOf<typeof listPurges>, @ByCaller() { principal }: Caller): Promise<object> {
    const { asOf: moment, ...page } = query;
    if (moment === undefined) return this.#reader.page(page, principal);
    return this.#past.at(moment, 'query.asOf', async ({ asOf, reads }) => {
      const found = await new CdnReader(reads).page(page, principal);
      if (found.items.length === 0) await this.#past.requireBegun(asOf, 'query.asOf');
      return found;
    });
  }

  @Route(showPurge)
  async showPurge(@Input(showPurge) { params, query }: InputOf<typeof showPurge>, @ByCaller() { principal }: Caller): Promise<object> {
    if (query.asOf === undefined) return this.#reader.existing(params.id, principal);
    return this.#past.at(query.asOf, 'query.asOf', ({ reads }) => new CdnReader(reads).existing(params.id, principal));
  }
}

/** Names the field of the request that the refused target came from. */
function refusedTarget({ code, message }: { readonly code: string; readonly message: string }, { fields }: NamedOrder): ProblemError {
  const [place = '', ...rest] = message.split(': ');
  const at = /^selectors\.(\d+)$/.exec(place)?.[1];
  const field = `body.${at === undefined ? place : (fields[Number(at)] ?? place)}`;
  const told = `${field}: ${rest.join(': ')}`;
  return badRequest(code, told, [{ field, message: told }]);
}
