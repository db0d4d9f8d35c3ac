import { zoneProblem } from '#domain/edge';
import { zoneConfigurationSchema } from '#events';
import type { Logger } from '#runtime';
import type { MemberStatus } from '../origin/origin-pool.ts';
import type { MadeZone, ZoneMaker } from './zone-maker.ts';
import type { ZoneVersion } from './zone-plan.ts';
import type { ZoneTable } from './zone-table.ts';

export interface ZoneKeeperDeps {
  readonly table: ZoneTable;
  readonly maker: Pick<ZoneMaker, 'make'>;
  readonly logger: Logger;
}

export interface ZoneStatus {
  readonly id: string;
  readonly version: number;
  readonly hosts: readonly string[];
  readonly origins: readonly MemberStatus[];
  /** The version that this edge could not take, and why: it serves the one before. */
  readonly refused?: string | undefined;
}

/** A version that nobody looked at yet. */
export type SaidZone = Omit<ZoneVersion, 'configuration'> & { readonly configuration: unknown };

interface Kept {
  readonly version: ZoneVersion;
  readonly made: MadeZone;
}

/** The fewest ms for which what a version of a zone holds towards its origins outlives it: requests under way end in it. */
const outliveMs = 60_000;

/** Puts versions of zones into service, each after those before it; what cannot be served by changes nothing. */
export class ZoneKeeper {
  readonly #deps: ZoneKeeperDeps;
  readonly #kept = new Map<string, Kept>();
  /** The last version of each zone that was looked at, removed ones included: older ones come too late. */
  readonly #seen = new Map<string, number>();
  readonly #refused = new Map<string, string>();

  constructor(deps: ZoneKeeperDeps) {
    this.#deps = deps;
  }

  /** As they serve now: what is worth storing. */
  get versions(): readonly ZoneVersion[] {
    return [...this.#kept.values()].map(({ version }) => version);
  }

  status(): readonly ZoneStatus[] {
    return [...this.#kept.values()].map(({ made, version: { configuration, id, version } }) => {
      const refused = this.#refused.get(id);
      return { id, version, hosts: configuration.hosts, origins: made.pool.members, ...(refused === undefined ? {} : { refused }) };
    });
  }

  /** Never throws: whatever is wrong with a version is said, and the one before goes on serving. */
  async apply(said: SaidZone): Promise<void> {
    const { id, version } = said;
    if (version <= (this.#seen.get(id) ?? 0)) return;
    this.#seen.set(id, version);
    try {
      const kept = await this.#make(said);
      this.#retire(this.#kept.get(id));
      this.#kept.set(id, kept);
      this.#deps.table.put(kept.made.zone, kept.version.configuration.hosts);
      this.#refused.delete(id);
      this.#deps.logger.info({ zone: id, version, hosts: kept.version.configuration.hosts }, `zone ${id} is served by version ${version}`);
    } catch (err) {
      this.refuse(id, version, err instanceof Error ? err.message : String(err));
    }
  }

  /** Says that a version is none that this edge can serve by. */
  refuse(id: string, version: number | undefined, why: string): void {
    const before = this.#kept.get(id)?.version.version;
    this.#refused.set(id, `${version === undefined ? 'a newer version' : `version ${version}`}: ${why}`);
    const goesOn = before === undefined ? 'it is not served here' : `version ${before} goes on serving`;
    this.#deps.logger.error({ zone: id, version, why }, `zone ${id} has a version that this edge cannot serve by; ${goesOn}`);
  }

  remove(id: string, version: number): void {
    if (version <= (this.#seen.get(id) ?? 0)) return;
    this.#seen.set(id, version);
    this.#refused.delete(id);
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#kept.delete(id);
    this.#deps.table.remove(id);
    this.#retire(kept);
    this.#deps.logger.info({ zone: id, version }, `zone ${id} is not served any more`);
  }

  close(): void {
    for (const { made } of this.#kept.values()) made.zone.close();
  }

  async #make(said: SaidZone): Promise<Kept> {
    const parsed = zoneConfigurationSchema.safeParse(said.configuration);
    if (!parsed.success) throw new TypeError(parsed.error.issues.map(({ message, path }) => `${path.join('.')}: ${message}`).join(' '));
    const problem = zoneProblem(parsed.data);
    if (problem !== undefined) throw new TypeError(`${problem.field}: ${problem.message}`);
    const version = { ...said, configuration: parsed.data };
    return { version, made: await this.#deps.maker.make(version, this.#kept.get(said.id)?.made.pool) };
  }

  #retire(kept: Kept | undefined): void {
    if (kept === undefined) return;
    setTimeout(() => kept.made.zone.close(), outliveMs).unref();
  }
}
