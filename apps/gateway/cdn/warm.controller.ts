import { warmAggregate, warmUrlsMax, type WarmOrder } from '#domain/cache';
import { base32Of } from '#domain/stream';
import { CommandExecutor } from '#runtime';
import { Controller } from '@nestjs/common';
import { derivedId, randomId } from '../access/secrets.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest, ProblemError } from '../http/problem.errors.ts';
import { PastModels } from '../past/past-models.ts';
import { PopularUrls } from './popular-urls.ts';
import { PurgeRates } from './purge-rates.ts';
import { PurgeTargets } from './purge-targets.ts';
import { listWarms, showWarm, warmCache } from './warm.contract.ts';
import { WarmReader } from './warm-reader.ts';

type WarmBody = InputOf<typeof warmCache>['body'];

/** Under one key, what is asked for most of another region, or by other edges, is another warming. */
function wordsOf(idempotencyKey: string, body: WarmBody): string {
  return body.top === undefined ? idempotencyKey : JSON.stringify([idempotencyKey, body]);
}

@Controller()
export class WarmController {
  readonly #commands: CommandExecutor;
  readonly #reader: WarmReader;
  readonly #targets: PurgeTargets;
  readonly #rates: PurgeRates;
  readonly #past: PastModels;
  readonly #popular: PopularUrls;

  constructor(commands: CommandExecutor, reader: WarmReader, targets: PurgeTargets, rates: PurgeRates, past: PastModels, popular: PopularUrls) {
    this.#commands = commands;
    this.#reader = reader;
    this.#targets = targets;
    this.#rates = rates;
    this.#past = past;
    this.#popular = popular;
  }

  @Route(warmCache)
  async warm(@Input(warmCache) { body }: InputOf<typeof warmCache>, @ByCaller() caller: Caller): Promise<object> {
    const { idempotencyKey, principal } = caller;
    // Whoever may make edges forget something may make them fetch it.
    await this.#targets.check({ order: { urls: body.urls, reason: '' }, fields: [] }, principal);
    await this.#targets.check({ order: { urls: body.sitemaps, reason: '' }, fields: [] }, principal);
    const warmId = `wm-${base32Of(idempotencyKey === undefined ? randomId() : derivedId('warm', principal.id, wordsOf(idempotencyKey, body)))}`;
    // What is asked for most is another list by now: asked for again, the warming is the one that there is.
    if (body.top !== undefined && idempotencyKey !== undefined && (await this.#reader.knows(warmId))) return { warmId };
    await this.#reader.requireEdges(body.edges);
    const order = await this.#orderOf(body, principal);
    await this.#rates.takeWarm(order.urls.length + order.sitemaps.length * 1000, principal);
    const result = await this.#commands.execute(warmAggregate, warmId, { type: 'RequestWarm', warmId, ...order }, caller);
    if (!result.refused) return { warmId };
    if (result.code === 'another-warming')
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This Idempotency-Key was used for another request.' });
    const [field = ''] = result.message.split(': ');
    const told = `body.${result.message}`;
    throw badRequest(result.code, told, [{ field: `body.${field}`, message: told }]);
  }

  /** With the URLs of what is asked for most, where those are meant: which they are is decided now, and written down. */
  async #orderOf({ region, top, ...named }: WarmBody, principal: Caller['principal']): Promise<WarmOrder> {
    if (top === undefined && region === undefined) return named;
    if (top === undefined) {
      const message = 'body.region: It says whose favourites `top` means; edges of a region are named by `regions`.';
      throw badRequest('invalid-request', message, [{ field: 'body.region', message }]);
    }
    const popular = await this.#popular.top(top, region, principal);
    const urls = [...new Set([...named.urls, ...popular])].slice(0, Math.max(named.urls.length, warmUrlsMax));
    const regions = named.regions.length + named.edges.length === 0 && region !== undefined ? [region] : named.regions;
    const reason = named.reason === '' ? `the ${top} most asked for${region === undefined ? '' : ` in ${region}`}` : named.reason;
    return { ...named, urls, regions, reason };
  }

  @Route(showWarm)
  async showWarm(@Input(showWarm) { params, query }: InputOf<typeof showWarm>, @ByCaller() { principal }: Caller): Promise<object> {
    if (query.asOf === undefined) return this.#reader.existing(params.id, principal);
    return this.#past.at(query.asOf, 'query.asOf', ({ reads }) => new WarmReader(reads).existing(params.id, principal));
  }

  @Route(listWarms)
  listWarms(@Input(listWarms) { query }: InputOf<typeof listWarms>, @ByCaller() { principal }: Caller): Promise<object> {
    const { asOf: moment, ...page } = query;
    if (moment === undefined) return this.#reader.page(page, principal);
    return this.#past.at(moment, 'query.asOf', async ({ asOf, reads }) => {
      const found = await new WarmReader(reads).page(page, principal);
      if (found.items.length === 0) await this.#past.requireBegun(asOf, 'query.asOf');
      return found;
    });
  }
}
