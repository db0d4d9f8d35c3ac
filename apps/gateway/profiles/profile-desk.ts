import { defaultTenant, seesEveryTenant, type Principal } from '#domain/access';
import {
  base32Of,
  encodingProfileAggregate,
  encodingProfileTable,
  type EncodingProfile,
  type EncodingProfileCommand,
  type EncodingProfileState,
  type KnownEncodingProfile,
  type Rung,
} from '#domain/stream';
import type { AggregateStore, ReadCondition, ReadRow, ReadStore } from '#ports';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { derivedId } from '../access/secrets.ts';
import { badRequest, conflict, notFound, type ProblemError } from '../http/problem.errors.ts';

export type EncodingProfileSettings = Omit<EncodingProfile, 'profileId'>;

export interface OwnedProfile {
  readonly tenant: string;
  readonly profile: EncodingProfileSettings;
}

/** Of one tenant: more than anybody tells apart. */
const profilesMax = 100;
/** Of all tenants, for those who see all. */
const listedMax = 10_000;
const configured: ReadCondition = { column: 'status', is: 'eq', value: 'configured' };

const idOf = (tenant: string, name: string): string => `pf-${base32Of(derivedId('encoding-profile', tenant, name))}`;

/** Encoding profiles as their tenants manage them: one from its head, so that who made it can use it at once; lists from the read model. */
export class ProfileDesk {
  readonly #commands: CommandExecutor;
  readonly #aggregates: AggregateStore;
  readonly #reads: ReadStore;

  constructor(commands: CommandExecutor, aggregates: AggregateStore, reads: ReadStore) {
    this.#commands = commands;
    this.#aggregates = aggregates;
    this.#reads = reads;
  }

  /** By tenant and name. */
  async list(principal: Principal): Promise<readonly OwnedProfile[]> {
    const where: readonly ReadCondition[] = seesEveryTenant(principal) ? [] : [{ column: 'tenant', is: 'eq', value: principal.tenant }];
    const rows = await this.#reads.select(encodingProfileTable, { where: [...where, configured], limit: listedMax });
    return rows.map(profileOf).toSorted((a, b) => (`${a.tenant}/${a.profile.name}` < `${b.tenant}/${b.profile.name}` ? -1 : 1));
  }

  /** Undefined for one that the tenant does not have. */
  async find(tenant: string, name: string): Promise<KnownEncodingProfile | undefined> {
    const state = (await this.#aggregates.load(encodingProfileAggregate.context, idOf(tenant, name)))?.state as EncodingProfileState | undefined;
    return state?.profile === 'configured' ? state : undefined;
  }

  /** @throws ProblemError 404 for one that the caller's tenant does not have. */
  async show(name: string, { tenant = defaultTenant }: CommandMeta): Promise<OwnedProfile> {
    const profile = await this.find(tenant, name);
    if (profile === undefined) throw unknown(name);
    return { tenant, profile };
  }

  /** @throws ProblemError 400 for settings that no stream can have, 409 when there are too many. */
  async configure(settings: EncodingProfileSettings, reason: string, meta: CommandMeta): Promise<OwnedProfile> {
    const { tenant = defaultTenant } = meta;
    if ((await this.find(tenant, settings.name)) === undefined) await this.#checkCount(tenant);
    const profileId = idOf(tenant, settings.name);
    return { tenant, profile: await this.#tell(profileId, { type: 'ConfigureEncodingProfile', profileId, ...settings, reason }, settings.name, meta) };
  }

  async remove(name: string, reason: string, meta: CommandMeta): Promise<void> {
    await this.#tell(idOf(meta.tenant ?? defaultTenant, name), { type: 'RemoveEncodingProfile', reason }, name, meta);
  }

  async #checkCount(tenant: string): Promise<void> {
    const rows = await this.#reads.select(encodingProfileTable, { where: [{ column: 'tenant', is: 'eq', value: tenant }, configured], limit: profilesMax });
    if (rows.length === profilesMax) throw conflict('too-many-profiles', `There are ${profilesMax} encoding profiles: remove one first.`);
  }

  async #tell(id: string, command: EncodingProfileCommand, name: string, meta: CommandMeta): Promise<KnownEncodingProfile> {
    const result = await this.#commands.execute(encodingProfileAggregate, id, command, meta);
    if (!result.refused) return result.state as KnownEncodingProfile;
    throw result.code === 'unknown-profile' ? unknown(name) : badRequest(result.code, `body.${result.message}`);
  }
}

function profileOf(row: ReadRow): OwnedProfile {
  const settings = {
    ladder: row['ladder'] as readonly Rung[],
    audioBitrate: Number(row['audio_bitrate']),
    segmentDurationMs: Number(row['segment_duration_ms']),
  };
  return { tenant: String(row['tenant']), profile: { name: String(row['name']), description: String(row['description']), ...settings } };
}

function unknown(name: string): ProblemError {
  return notFound('unknown-profile', `There is no encoding profile ${name}.`);
}
