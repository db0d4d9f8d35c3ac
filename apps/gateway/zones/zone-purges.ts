import type { Principal } from '#domain/access';
import { purgeAggregate } from '#domain/cache';
import { zoneAggregate, type KnownZone, type ZoneState } from '#domain/edge';
import { base32Of } from '#domain/stream';
import type { AggregateStore, Clock } from '#ports';
import type { CommandExecutor } from '#runtime';
import { derivedId } from '../access/secrets.ts';
import type { PurgeRates } from '../cdn/purge-rates.ts';
import { badRequest, ProblemError } from '../http/problem.errors.ts';
import { changedOrder, type Changed } from './changed-order.ts';

export interface ZonePurgesDeps {
  readonly aggregates: AggregateStore;
  readonly commands: CommandExecutor;
  readonly rates: PurgeRates;
  readonly clock: Clock;
}

/** A zone that serves, and whose it is. */
export interface OwnedZone {
  readonly tenant: string;
  readonly zone: KnownZone;
}

/** Who says that something changed, under which name, and what this request is called. */
export interface Teller {
  /** As events name it. */
  readonly actor: string;
  /** The same purge for the same id, if it is of the same zone. */
  readonly id: string;
  readonly correlationId: string;
}

/** Purges that a zone's origins ask for: of the zone's tenant, on the log, audited and limited as all are. */
export class ZonePurges {
  readonly #deps: ZonePurgesDeps;

  constructor(deps: ZonePurgesDeps) {
    this.#deps = deps;
  }

  /** Undefined for what is no zone, or none any more. */
  async zone(zoneId: string): Promise<OwnedZone | undefined> {
    // Names of the other aggregates of this context are none of zones.
    const head = /^zn-[a-z2-7]+$/.test(zoneId) ? await this.#deps.aggregates.load(zoneAggregate.context, zoneId) : undefined;
    const zone = head?.state as ZoneState | undefined;
    return head === undefined || zone?.status !== 'configured' ? undefined : { tenant: head.tenant, zone };
  }

  /**
   * @returns the id of the purge
   * @throws ProblemError 400, 422, 429
   */
  async request({ tenant, zone }: OwnedZone, changed: Changed, { actor, correlationId, id }: Teller): Promise<string> {
    const { clock, commands, rates } = this.#deps;
    const order = changedOrder(changed, zone, tenant);
    const principal: Principal = { kind: 'key', id: actor, actor, tenant, scopes: ['operate'], expiresAtMs: clock.now() };
    await rates.take(order, principal);
    const purgeId = `pg-${base32Of(derivedId('purge', `zone:${zone.zoneId}`, id))}`;
    const meta = { actor, tenant, confined: true, correlationId };
    const result = await commands.execute(purgeAggregate, purgeId, { type: 'RequestPurge', purgeId, ...order }, meta);
    if (!result.refused) return purgeId;
    if (result.code === 'another-purge')
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This id was used for another message.' });
    throw badRequest(result.code, `body.${result.message}`);
  }
}
