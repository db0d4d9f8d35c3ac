import { isPublicAddress, literalAddressOf } from '#adapters/webhook';
import { defaultTenant, seesEveryTenant, type Principal } from '#domain/access';
import { edgeTable, claimedDomain, zoneAggregate, zoneTable, zoneVersionTable, type KnownZone, type ZoneCommand, type ZoneState } from '#domain/edge';
import { zoneConfigurationSchema, type ZoneConfiguration } from '#events';
import type { AggregateStore, ReadCondition, ReadRow, ReadStore } from '#ports';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { badRequest, conflict, notFound, ProblemError } from '../http/problem.errors.ts';
import type { OwnHosts } from './own-hosts.ts';
import type { ZoneHostClaims } from './zone-host-claims.ts';
import { zoneIdOf } from './zone-id.ts';

export interface OwnedZone {
  readonly tenant: string;
  readonly zone: Pick<KnownZone, 'zoneId' | 'name' | 'version' | 'epoch' | 'configuration' | 'shieldUrl'>;
}

export interface ZoneChange {
  readonly name: string;
  /** As the decider has it. */
  readonly expected: number | undefined;
  readonly reason: string;
}

export interface ZoneDeskDeps {
  readonly commands: CommandExecutor;
  readonly aggregates: AggregateStore;
  readonly reads: ReadStore;
  readonly claims: ZoneHostClaims;
  readonly own: OwnHosts;
  /** Origins may be at private, loopback and other special addresses. */
  readonly privateAddresses: boolean;
}

/** Of one tenant. */
const zonesMax = 1000;
/** Of all tenants, for those who see all; and versions of one zone. */
const listedMax = 10_000;
const configured: ReadCondition = { column: 'status', is: 'eq', value: 'configured' };

/** Zones as their tenants manage them: one from its head, so that who changed it sees it at once; lists and the past from the read model. */
export class ZoneDesk {
  readonly #deps: ZoneDeskDeps;

  constructor(deps: ZoneDeskDeps) {
    this.#deps = deps;
  }

  /** By tenant and name. */
  async list(principal: Principal): Promise<readonly OwnedZone[]> {
    const where: readonly ReadCondition[] = seesEveryTenant(principal) ? [] : [{ column: 'tenant', is: 'eq', value: principal.tenant }];
    const rows = await this.#deps.reads.select(zoneTable, { where: [...where, configured], limit: listedMax });
    return rows.map(zoneOf).toSorted((a, b) => (`${a.tenant}/${a.zone.name}` < `${b.tenant}/${b.zone.name}` ? -1 : 1));
  }

  /** @throws ProblemError 404 for one that the caller's tenant does not have */
  async show(name: string, { tenant = defaultTenant }: CommandMeta): Promise<OwnedZone> {
    const zone = await this.#find(tenant, name);
    if (zone?.status !== 'configured') throw unknown(name);
    return { tenant, zone };
  }

  /** @throws ProblemError 400 for what cannot be served, 409 for a host of another zone or of the platform, 412 when the zone has changed */
  async configure(change: ZoneChange, configuration: ZoneConfiguration, meta: CommandMeta, rolledBackTo: number | null = null): Promise<OwnedZone> {
    const { tenant = defaultTenant } = meta;
    const { claims } = this.#deps;
    const zoneId = zoneIdOf(tenant, change.name);
    this.#checkAddresses(configuration);
    await this.#checkHosts(configuration);
    const before = await this.#find(tenant, change.name);
    if (before?.status !== 'configured') await this.#checkCount(tenant);
    const shieldUrl = await this.#shieldUrl(configuration.shield);
    const command = { type: 'ConfigureZone' as const, zoneId, ...change, configuration, shieldUrl, rolledBackTo };
    const refusal = zoneAggregate.decider.decide(command, before ?? { status: 'absent' });
    if (refusal.refused) throw problemOf(refusal, change.name);
    const held = before?.status === 'configured' ? before.configuration.hosts : [];
    const claimant = { zoneId, owner: tenant };
    await claims.take(claimant, held, configuration.hosts, meta);
    const domains = [...held, ...configuration.hosts].map(claimedDomain);
    try {
      const zone = await this.#tell(zoneId, command, change.name, meta);
      if (!(await claims.holds(zoneId, configuration.hosts))) {
        await this.#tell(zoneId, { type: 'RemoveZone', reason: 'its hosts were taken meanwhile' }, change.name, meta);
        throw conflict('host-taken', 'body.hosts: Another zone took a host meanwhile.');
      }
      return { tenant, zone };
    } finally {
      // By what stands now, whoever of two changed it last.
      const now = await this.#find(tenant, change.name);
      await claims.settle(claimant, domains, now?.status === 'configured' ? now.configuration.hosts : [], meta);
    }
  }

  async rollBack(change: ZoneChange, version: number, meta: CommandMeta): Promise<OwnedZone> {
    const row = await this.#versionRow(change.name, version, meta);
    if (row['configuration'] === null)
      throw badRequest('invalid-request', `body.version: Version ${version} removed the zone: there is nothing to bring back.`);
    return this.configure(change, configurationOf(row), meta, version);
  }

  async remove({ name, ...expecting }: ZoneChange, meta: CommandMeta): Promise<void> {
    const { tenant = defaultTenant } = meta;
    const zoneId = zoneIdOf(tenant, name);
    const before = await this.#find(tenant, name);
    await this.#tell(zoneId, { type: 'RemoveZone', ...expecting }, name, meta);
    const domains = (before?.configuration.hosts ?? []).map(claimedDomain);
    await this.#deps.claims.settle({ zoneId, owner: tenant }, domains, [], meta);
  }

  /** Newest first. @throws ProblemError 404 for a zone that there never was */
  async versions(name: string, { tenant = defaultTenant }: CommandMeta): Promise<readonly ReadRow[]> {
    const where: readonly ReadCondition[] = [{ column: 'zone_id', is: 'eq', value: zoneIdOf(tenant, name) }];
    const orderBy = [{ column: 'zone_version', descending: true }];
    const rows = await this.#deps.reads.select(zoneVersionTable, { where, orderBy, limit: listedMax });
    if (rows.length === 0 && (await this.#find(tenant, name)) === undefined) throw unknown(name);
    return rows;
  }

  version(name: string, version: number, meta: CommandMeta): Promise<ReadRow> {
    return this.#versionRow(name, version, meta);
  }

  async #versionRow(name: string, version: number, { tenant = defaultTenant }: CommandMeta): Promise<ReadRow> {
    const where: readonly ReadCondition[] = [
      { column: 'zone_id', is: 'eq', value: zoneIdOf(tenant, name) },
      { column: 'zone_version', is: 'eq', value: BigInt(version) },
    ];
    const [row] = await this.#deps.reads.select(zoneVersionTable, { where, limit: 1 });
    if (row === undefined) throw notFound('unknown-zone', `There is no version ${version} of a zone ${name}.`);
    return row;
  }

  async #find(tenant: string, name: string): Promise<KnownZone | undefined> {
    const state = (await this.#deps.aggregates.load(zoneAggregate.context, zoneIdOf(tenant, name)))?.state as ZoneState | undefined;
    return state === undefined || state.status === 'absent' ? undefined : state;
  }

  async #checkCount(tenant: string): Promise<void> {
    const rows = await this.#deps.reads.select(zoneTable, { where: [{ column: 'tenant', is: 'eq', value: tenant }, configured], limit: zonesMax });
    if (rows.length === zonesMax) throw conflict('too-many-zones', `There are ${zonesMax} zones: remove one first.`);
  }

  async #checkHosts({ hosts }: ZoneConfiguration): Promise<void> {
    const own = await this.#deps.own.firstOf(hosts);
    if (own !== undefined) throw conflict('host-taken', `body.hosts: ${own}: The platform itself is reached here or below.`);
  }

  /** A name is looked up by the edges when they connect, and judged again then. */
  #checkAddresses({ origins }: ZoneConfiguration): void {
    if (this.#deps.privateAddresses) return;
    for (const [at, { url }] of origins.entries()) {
      const parsed = URL.canParse(url) ? new URL(url) : undefined;
      const address = parsed === undefined ? undefined : literalAddressOf(parsed);
      const local = parsed !== undefined && /^(?:.*\.)?localhost\.?$/.test(parsed.hostname);
      if (local || (address !== undefined && !isPublicAddress(address)))
        throw badRequest('invalid-zone', `body.origins.${at}.url: This address is not on the public internet; ORIGIN_PRIVATE_ADDRESSES=true allows it.`);
    }
  }

  /** Of an edge of this region alone: a zone cannot make edges talk to what its owner names. */
  async #shieldUrl(shield: string | undefined): Promise<string | null> {
    if (shield === undefined) return null;
    // Edges of mirrored regions have the region as their origin, and may have the same names.
    const ours: ReadCondition = { column: 'origin', is: 'eq', value: '' };
    const [row] = await this.#deps.reads.select(edgeTable, { where: [{ column: 'edge_id', is: 'eq', value: shield }, ours], limit: 1 });
    if (row?.['url'] === undefined || row['url'] === null) throw badRequest('invalid-zone', `body.shield: There is no edge ${shield}.`);
    return String(row['url']);
  }

  async #tell(id: string, command: ZoneCommand, name: string, meta: CommandMeta): Promise<KnownZone> {
    const result = await this.#deps.commands.execute(zoneAggregate, id, command, meta);
    if (result.refused) throw problemOf(result, name);
    return result.state as KnownZone;
  }
}

export function configurationOf(row: ReadRow): ZoneConfiguration {
  return zoneConfigurationSchema.parse(JSON.parse(String(row['configuration'])));
}

function zoneOf(row: ReadRow): OwnedZone {
  const numbers = { version: Number(row['zone_version']), epoch: Number(row['epoch']) };
  const shieldUrl = row['shield_url'] === null ? null : String(row['shield_url']);
  return {
    tenant: String(row['tenant']),
    zone: { zoneId: String(row['zone_id']), name: String(row['name']), ...numbers, shieldUrl, configuration: configurationOf(row) },
  };
}

function problemOf({ code, message }: { readonly code: string; readonly message: string }, name: string): ProblemError {
  if (code === 'unknown-zone') return unknown(name);
  if (code === 'version-mismatch') return new ProblemError({ status: 412, code, detail: message });
  return badRequest(code, `body.${message}`, [{ field: `body.${message.split(': ')[0]}`, message }]);
}

function unknown(name: string): ProblemError {
  return notFound('unknown-zone', `There is no zone ${name}.`);
}
