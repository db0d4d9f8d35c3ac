import { homeTenantOf, seesTenant, type Principal } from '#domain/access';
import { zoneAggregate, type ZoneState } from '#domain/edge';
import type { AggregateStore } from '#ports';
import { notFound } from '../http/problem.errors.ts';
import { zoneIdOf } from '../zones/zone-id.ts';

interface NamesZones {
  readonly zones: readonly string[];
  readonly patterns: ReadonlyArray<{ readonly zone?: string | undefined }>;
}

/** Questions to the store at a time. */
const atOnce = 16;

/** Zones of purges, named as all commands about zones name them, or by their ids. */
export class PurgedZones {
  readonly #aggregates: AggregateStore;

  constructor(aggregates: AggregateStore) {
    this.#aggregates = aggregates;
  }

  /**
   * The same purge with ids for names.
   * @throws ProblemError 404 for what is no zone, and, the same, for one that the caller does not see
   */
  async named<Body extends NamesZones>(body: Body, principal: Principal): Promise<Body> {
    const fields = new Map<string, string>();
    for (const [at, { zone }] of [...body.patterns.entries()].toReversed()) if (zone !== undefined) fields.set(zone, `patterns.${at}.zone`);
    for (const [at, zone] of [...body.zones.entries()].toReversed()) fields.set(zone, `zones.${at}`);
    const ids = new Map<string, string>();
    const asked = [...fields];
    for (let from = 0; from < asked.length; from += atOnce)
      await Promise.all(asked.slice(from, from + atOnce).map(async ([zone, field]) => ids.set(zone, await this.#idOf(zone, field, principal))));
    const idOf = (zone: string): string => ids.get(zone) as string;
    const patterns = body.patterns.map((pattern) => (pattern.zone === undefined ? pattern : { ...pattern, zone: idOf(pattern.zone) }));
    return { ...body, zones: body.zones.map(idOf), patterns };
  }

  async #idOf(zone: string, field: string, principal: Principal): Promise<string> {
    for (const id of [...(/^zn-[a-z2-7]+$/.test(zone) ? [zone] : []), zoneIdOf(homeTenantOf(principal), zone)]) {
      const head = await this.#aggregates.load(zoneAggregate.context, id);
      const state = head?.state as ZoneState | undefined;
      if (head !== undefined && state?.status === 'configured' && seesTenant(principal, head.tenant)) return id;
    }
    throw notFound('unknown-zone', `body.${field}: There is no zone ${zone} of yours.`);
  }
}
