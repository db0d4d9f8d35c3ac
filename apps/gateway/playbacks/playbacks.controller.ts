import { seesEveryTenant, type Principal } from '#domain/access';
import { audienceOf, playbackSessionTable, type PlaybackFigures } from '#domain/playback';
import { elementsOf, type Dots } from '#kernel';
import { Clock, ReadStore, type ReadCondition, type ReadRow } from '#ports';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { newestPage } from '../http/newest-page.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { ShownRows } from '../review/shown-rows.ts';
import { listPlaybacks, showAudience } from './playbacks.contract.ts';

/** What a read model selects at once. */
const countedMax = 10_000;

function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function viewOf(row: ReadRow): object {
  return {
    id: row['session_id'],
    tenant: row['tenant'],
    assetKind: row['asset_kind'],
    assetId: row['asset_id'],
    player: row['player'],
    viewer: row['viewer'],
    rendition: row['rendition'],
    renditions: elementsOf((row['renditions'] ?? {}) as Dots),
    state: row['state'],
    startupMs: numberOf(row['startup_ms']),
    playedMs: numberOf(row['played_ms']),
    stalls: numberOf(row['stalls']),
    stalledMs: numberOf(row['stalled_ms']),
    startedAt: isoTime(row['started_at_ms'] as bigint | null),
    seenAt: isoTime(row['seen_at_ms'] as bigint | null),
    endedAt: isoTime(row['ended_at_ms'] as bigint | null),
    endReason: row['end_reason'],
  };
}

function figuresOf(row: ReadRow): PlaybackFigures {
  return {
    startupMs: numberOf(row['startup_ms']) ?? undefined,
    playedMs: numberOf(row['played_ms']) ?? 0,
    stalls: numberOf(row['stalls']) ?? 0,
    stalledMs: numberOf(row['stalled_ms']) ?? 0,
    rendition: typeof row['rendition'] === 'string' ? row['rendition'] : undefined,
    hasEnded: row['state'] === 'ended',
  };
}

interface Asked {
  readonly assetKind?: string | undefined;
  readonly assetId?: string | undefined;
  readonly viewer?: string | undefined;
  readonly tenant?: string | undefined;
}

function conditionsOf({ assetKind, assetId, viewer, tenant }: Asked, principal: Principal): ReadCondition[] {
  const wanted = { asset_kind: assetKind, asset_id: assetId, viewer, tenant };
  const where = Object.entries(wanted).flatMap(([column, value]): ReadCondition[] => (value === undefined ? [] : [{ column, is: 'eq', value }]));
  return seesEveryTenant(principal) ? where : [...where, { column: 'tenant', is: 'eq', value: principal.tenant }];
}

/** Who watches what, as players report it. */
@Controller()
export class PlaybacksController {
  readonly #reads: ReadStore;
  readonly #clock: Clock;
  readonly #shown: ShownRows;

  constructor(reads: ReadStore, clock: Clock, shown: ShownRows) {
    this.#shown = shown;
    this.#reads = reads;
    this.#clock = clock;
  }

  @Route(listPlaybacks)
  async list(@Input(listPlaybacks) { query }: InputOf<typeof listPlaybacks>, @ByCaller() caller: Caller): Promise<object> {
    const view = this.#shown.for('listPlaybacks', query.reveal, caller);
    const where = await view.conditions(playbackSessionTable, conditionsOf(query, caller.principal), 'query.');
    const page = await newestPage(this.#reads, playbackSessionTable, { where, by: 'seen_at_ms', limit: query.limit, cursor: query.cursor });
    return { items: (await view.rows(playbackSessionTable, page.rows)).map(viewOf), nextCursor: page.nextCursor };
  }

  @Route(showAudience)
  async audience(@Input(showAudience) { query }: InputOf<typeof showAudience>, @ByCaller() { principal }: Caller): Promise<object> {
    const since = BigInt(this.#clock.now() - query.windowSeconds * 1000);
    const where: ReadCondition[] = [...conditionsOf(query, principal), { column: 'seen_at_ms', is: 'gte', value: since }];
    const rows = await this.#reads.select(playbackSessionTable, { where, orderBy: [{ column: 'seen_at_ms', descending: true }], limit: countedMax });
    return { ...audienceOf(rows.map(figuresOf)), isSample: rows.length === countedMax };
  }
}
