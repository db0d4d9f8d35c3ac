import { seesTenant, type Principal } from '#domain/access';
import { recordingTable, renditionTable, segmentTable, sessionTable, streamAggregate, streamTable, type StreamState, type StreamStatus } from '#domain/stream';
import type { AggregateStore, ReadCondition, ReadRow, ReadStore } from '#ports';
import { badRequest } from '../http/problem.errors.ts';
import type { KnownStream } from './stream.view.ts';

export interface StreamPageQuery {
  readonly status?: StreamStatus | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
  /** Only this tenant's; all of them when left out. */
  readonly tenant?: string | undefined;
}

export interface StreamPage {
  readonly rows: readonly ReadRow[];
  readonly nextCursor: string | null;
}

const newestFirst = [
  { column: 'created_at_ms', descending: true },
  { column: 'stream_id', descending: true },
] as const;

function cursorOf(row: ReadRow): string {
  return Buffer.from(`${row['created_at_ms']}/${row['stream_id']}`).toString('base64url');
}

function parseCursor(text: string): { readonly createdAtMs: bigint; readonly streamId: string } {
  const match = /^(\d{1,16})\/(st-[a-z2-7]{8,26})$/.exec(Buffer.from(text, 'base64url').toString('latin1'));
  if (match === null)
    throw badRequest('invalid-request', 'query.cursor: This is not a cursor of a page before.', [
      { field: 'query.cursor', message: 'This is not a cursor of a page before.' },
    ]);
  return { createdAtMs: BigInt(match[1] as string), streamId: match[2] as string };
}

/**
 * What the newest encoder makes, of all that any ever made. They are read after the stream's row: an encoder that began between
 * the two is theirs alone.
 */
export function newestRenditions(stream: ReadRow, renditions: readonly ReadRow[]): readonly ReadRow[] {
  const orderOf = (row: ReadRow): bigint => BigInt((row['encoding_order'] as bigint | number | string | null) ?? -1);
  let newest = orderOf(stream);
  for (const row of renditions) if (orderOf(row) > newest) newest = orderOf(row);
  return renditions.filter((row) => orderOf(row) === newest);
}

/** Reads streams from the read models, and the heads of their aggregates where a reader must see its own writes. */
export class StreamReader {
  readonly #reads: ReadStore;
  readonly #aggregates: AggregateStore | undefined;

  /** @param aggregates left out where rows are not those of now: heads are */
  constructor(reads: ReadStore, aggregates?: AggregateStore) {
    this.#reads = reads;
    this.#aggregates = aggregates;
  }

  async page(query: StreamPageQuery): Promise<StreamPage> {
    const wanted: ReadCondition[] = [
      { column: 'unlisted', is: 'eq', value: false },
      ...(query.tenant === undefined ? [] : [{ column: 'tenant', is: 'eq' as const, value: query.tenant }]),
      ...(query.status === undefined ? [] : [{ column: 'status', is: 'eq' as const, value: query.status }]),
    ];
    const limit = query.limit + 1;
    const rows: ReadRow[] = [];
    if (query.cursor === undefined) {
      // Rows without a creation are not streams yet.
      rows.push(
        ...(await this.#reads.select(streamTable, { where: [...wanted, { column: 'created_at_ms', is: 'gte', value: 0n }], orderBy: newestFirst, limit })),
      );
    } else {
      const { createdAtMs, streamId } = parseCursor(query.cursor);
      const ties: ReadCondition[] = [...wanted, { column: 'created_at_ms', is: 'eq', value: createdAtMs }, { column: 'stream_id', is: 'lt', value: streamId }];
      rows.push(...(await this.#reads.select(streamTable, { where: ties, orderBy: newestFirst, limit })));
      const older: ReadCondition[] = [...wanted, { column: 'created_at_ms', is: 'lt', value: createdAtMs }];
      if (rows.length < limit) rows.push(...(await this.#reads.select(streamTable, { where: older, orderBy: newestFirst, limit: limit - rows.length })));
    }
    const page = rows.slice(0, query.limit);
    return { rows: page, nextCursor: rows.length > query.limit ? cursorOf(page.at(-1) as ReadRow) : null };
  }

  async row(streamId: string): Promise<ReadRow | undefined> {
    const [row] = await this.#reads.select(streamTable, { where: [{ column: 'stream_id', is: 'eq', value: streamId }], limit: 1 });
    return row === undefined || row['created_at_ms'] === null ? undefined : row;
  }

  async head(streamId: string): Promise<KnownStream | undefined> {
    return (await this.#load(streamId))?.state;
  }

  /** Whose the stream is; undefined when there is none. */
  async tenantOf(streamId: string): Promise<string | undefined> {
    return (await this.#load(streamId))?.tenant;
  }

  async #load(streamId: string): Promise<{ readonly state: KnownStream; readonly tenant: string } | undefined> {
    const head = await this.#aggregates?.load(streamAggregate.context, streamId);
    const state = head?.state as StreamState | undefined;
    return head === undefined || state === undefined || state.status === 'absent' ? undefined : { state, tenant: head.tenant };
  }

  /** A stream that the principal may see, from its row and its head; undefined for any other. */
  async visible(streamId: string, principal: Principal): Promise<{ readonly row: ReadRow | undefined; readonly head: KnownStream | undefined } | undefined> {
    const [row, loaded] = await Promise.all([this.row(streamId), this.#load(streamId)]);
    const tenant = loaded?.tenant ?? (row === undefined ? undefined : String(row['tenant']));
    return tenant === undefined || !seesTenant(principal, tenant) ? undefined : { row, head: loaded?.state };
  }

  /** The one file that the stream was made into, or why it was not. */
  async recording(streamId: string): Promise<ReadRow | undefined> {
    const [row] = await this.#reads.select(recordingTable, { where: [{ column: 'stream_id', is: 'eq', value: streamId }], limit: 1 });
    return row;
  }

  /** Sessions that have not ended, oldest first. */
  async publishers(streamId: string): Promise<readonly ReadRow[]> {
    const rows = await this.#reads.select(sessionTable, { where: [{ column: 'stream_id', is: 'eq', value: streamId }], limit: 1000 });
    const open = rows.filter((row) => row['started_at_ms'] !== null && row['ended_at_ms'] === null);
    return open.toSorted((a, b) => Number(a['started_at_ms']) - Number(b['started_at_ms']));
  }

  /** What the newest encoder makes, best first. */
  async renditions(stream: ReadRow): Promise<readonly ReadRow[]> {
    return newestRenditions(stream, await this.everyRendition(stream));
  }

  /** What any encoder of the stream ever made, best first. */
  async everyRendition(stream: ReadRow): Promise<readonly ReadRow[]> {
    const rows = await this.#reads.select(renditionTable, { where: [{ column: 'stream_id', is: 'eq', value: String(stream['stream_id']) }], limit: 1000 });
    return rows.toSorted((a, b) => Number(b['bandwidth']) - Number(a['bandwidth']));
  }

  /** The newest segments of a rendition, oldest first. */
  async lastSegments(streamId: string, rendition: string, limit: number): Promise<readonly ReadRow[]> {
    const where: ReadCondition[] = [
      { column: 'stream_id', is: 'eq', value: streamId },
      { column: 'rendition', is: 'eq', value: rendition },
    ];
    const rows = await this.#reads.select(segmentTable, { where, orderBy: [{ column: 'media_sequence', descending: true }], limit });
    return rows.toReversed();
  }
}
