import {
  claimedDomain,
  claimsInTheWay,
  holdsClaim,
  zoneAggregate,
  zoneClaimsAggregate,
  type ClaimZoneHosts,
  type ZoneClaimsState,
  type ZoneState,
} from '#domain/edge';
import { hasCode } from '#kernel';
import type { AggregateStore, Clock } from '#ports';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { conflict } from '../http/problem.errors.ts';

/** Whose the claims are on the record: they tell of all tenants, so no tenant sees them. */
const platformTenant = 'default';
/** Longer than any request takes between its claim and its zone, ms. */
const idleAfterMs = 60_000;
/** How often a claim that came too late every time begins anew; each time it has tried eight times. */
const contendedMax = 5;

interface Claimant {
  readonly zoneId: string;
  readonly owner: string;
}

const idOf = (domain: string): string => `hosts:${domain}`;

function byDomain(hosts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy(hosts, claimedDomain);
}

/** Gives hosts to zones: each is one zone's, and of two that want it at once one is refused. */
export class ZoneHostClaims {
  readonly #commands: CommandExecutor;
  readonly #aggregates: AggregateStore;
  readonly #clock: Clock;

  constructor(commands: CommandExecutor, aggregates: AggregateStore, clock: Clock) {
    this.#commands = commands;
    this.#aggregates = aggregates;
    this.#clock = clock;
  }

  /**
   * Claims hosts beside those that the zone has. All or none: what was new is given back when one is refused.
   * @throws ProblemError 409 `host-taken`
   */
  async take(claimant: Claimant, held: readonly string[], hosts: readonly string[], meta: CommandMeta): Promise<void> {
    const wanted = byDomain([...new Set([...held, ...hosts])]);
    const taken: string[] = [];
    try {
      for (const [domain, names] of wanted) {
        const refusal = await this.#claim(claimant, domain, names, meta);
        if (refusal !== undefined) throw conflict('host-taken', `body.hosts: ${refusal}`);
        taken.push(domain);
      }
    } catch (error) {
      await this.settle(claimant, taken, held, meta);
      throw error;
    }
  }

  /** Leaves the zone these hosts of the domains, and gives the others back. */
  async settle(claimant: Claimant, domains: readonly string[], hosts: readonly string[], meta: CommandMeta): Promise<void> {
    const kept = byDomain(hosts);
    for (const domain of new Set(domains)) await this.#claim(claimant, domain, kept.get(domain) ?? [], meta);
  }

  /** Whether the zone has them all: a claim that served nothing for long was free to be taken by others. */
  async holds(zoneId: string, hosts: readonly string[]): Promise<boolean> {
    for (const [domain, names] of byDomain(hosts)) if (!holdsClaim(zoneId, names, await this.#state(domain))) return false;
    return true;
  }

  async #state(domain: string): Promise<ZoneClaimsState> {
    const head = await this.#aggregates.load(zoneClaimsAggregate.context, idOf(domain));
    return (head?.state as ZoneClaimsState | undefined) ?? zoneClaimsAggregate.decider.initialState;
  }

  async #claim({ zoneId, owner }: Claimant, domain: string, hosts: readonly string[], meta: CommandMeta): Promise<string | undefined> {
    const command = { type: 'ClaimZoneHosts' as const, domain, zoneId, owner, hosts, claimedAtMs: this.#clock.now() };
    const unconfined = { ...meta, tenant: platformTenant, confined: false };
    const idle = await this.#idleInTheWay(command);
    const result = await this.#insist(() => this.#commands.execute(zoneClaimsAggregate, idOf(domain), { ...command, void: idle }, unconfined));
    return result.refused ? result.message : undefined;
  }

  /** Many may want hosts of one domain at once, a hosting tenant's above all: each is only late. */
  async #insist<Result>(claim: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await claim();
      } catch (error) {
        if (!hasCode(error, 'COMMAND_CONTENDED') || attempt >= contendedMax) throw error;
      }
    }
  }

  /** Zones in the way that have long not served what they claimed: somebody's request ended between the claim and the zone. */
  async #idleInTheWay(command: Omit<ClaimZoneHosts, 'void'>): Promise<readonly string[]> {
    const idle: string[] = [];
    for (const { claimedAtMs, hosts, zoneId } of claimsInTheWay(command, await this.#state(command.domain))) {
      if (command.claimedAtMs - claimedAtMs < idleAfterMs) continue;
      const zone = (await this.#aggregates.load(zoneAggregate.context, zoneId))?.state as ZoneState | undefined;
      const serves = zone?.status === 'configured' && hosts.some((host) => zone.configuration.hosts.includes(host));
      if (!serves) idle.push(zoneId);
    }
    return idle;
  }
}
