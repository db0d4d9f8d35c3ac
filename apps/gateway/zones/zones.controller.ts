import type { ReadRow } from '#ports';
import { Controller, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { isoTime } from '../http/fields.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest } from '../http/problem.errors.ts';
import { configurationOf, ZoneDesk, type OwnedZone } from './zone-desk.ts';
import { configureZone, listZones, listZoneVersions, removeZone, rollBackZone, showZone, showZoneVersion } from './zones.contract.ts';

const etagOf = (version: number): string => `"${version}"`;

function zoneView({ tenant, zone }: OwnedZone): object {
  const { configuration, epoch, name, shieldUrl, version, zoneId } = zone;
  return { id: zoneId, name, tenant, version, etag: etagOf(version), epoch, shieldUrl, configuration };
}

function versionView(row: ReadRow): object {
  const back = row['rolled_back_to'];
  return {
    version: Number(row['zone_version']),
    at: isoTime(row['at_ms'] as bigint | null),
    by: String(row['actor']),
    reason: String(row['reason']),
    rolledBackTo: back === null ? null : Number(back),
    removed: row['configuration'] === null,
  };
}

interface Conditions {
  readonly 'if-match'?: string;
  readonly 'if-none-match'?: string;
}

/** RFC 9110 sections 13.1.1 and 13.1.2. */
function expectedOf(headers: Conditions): number | undefined {
  if (headers['if-none-match']?.trim() === '*') return 0;
  const match = headers['if-match']?.trim();
  if (match === undefined || match === '*') return undefined;
  const version = /^"(\d{1,9})"$/.exec(match)?.[1];
  if (version !== undefined) return Number(version);
  const message = 'Expected the etag of the zone, such as "3".';
  throw badRequest('invalid-request', `headers.if-match: ${message}`, [{ field: 'headers.if-match', message }]);
}

@Controller()
export class ZonesController {
  readonly #desk: ZoneDesk;

  constructor(desk: ZoneDesk) {
    this.#desk = desk;
  }

  @Route(listZones)
  async list(@ByCaller() { principal }: Caller): Promise<object> {
    return { items: (await this.#desk.list(principal)).map(zoneView) };
  }

  @Route(showZone)
  async show(
    @Input(showZone) { params }: InputOf<typeof showZone>,
    @ByCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    return shown(await this.#desk.show(params.name, caller), reply);
  }

  @Route(configureZone)
  async configure(
    @Input(configureZone) { body, params }: InputOf<typeof configureZone>,
    @Headers() headers: Conditions,
    @ByCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const { reason, ...configuration } = body;
    return shown(await this.#desk.configure({ name: params.name, expected: expectedOf(headers), reason }, configuration, caller), reply);
  }

  @Route(removeZone)
  remove(@Input(removeZone) { params, query }: InputOf<typeof removeZone>, @Headers() headers: Conditions, @ByCaller() caller: Caller): Promise<void> {
    return this.#desk.remove({ name: params.name, expected: expectedOf(headers), reason: query.reason }, caller);
  }

  @Route(listZoneVersions)
  async versions(@Input(listZoneVersions) { params }: InputOf<typeof listZoneVersions>, @ByCaller() caller: Caller): Promise<object> {
    return { items: (await this.#desk.versions(params.name, caller)).map(versionView) };
  }

  @Route(showZoneVersion)
  async version(@Input(showZoneVersion) { params }: InputOf<typeof showZoneVersion>, @ByCaller() caller: Caller): Promise<object> {
    const row = await this.#desk.version(params.name, params.version, caller);
    return { ...versionView(row), configuration: row['configuration'] === null ? null : configurationOf(row) };
  }

  @Route(rollBackZone)
  async rollBack(
    @Input(rollBackZone) { body, params }: InputOf<typeof rollBackZone>,
    @Headers() headers: Conditions,
    @ByCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const { reason, version } = body;
    return shown(await this.#desk.rollBack({ name: params.name, expected: expectedOf(headers), reason }, version, caller), reply);
  }
}

function shown(zone: OwnedZone, reply: FastifyReply): object {
  void reply.header('etag', etagOf(zone.zone.version));
  return zoneView(zone);
}
