import { parkedEventTable } from '#domain/operation';
import { ReadStore, type ReadRow } from '#ports';
import { Controller } from '@nestjs/common';
import { isoTime } from '../http/fields.ts';
import { newestPage, type NewestPage } from '../http/newest-page.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { PastModels } from '../past/past-models.ts';
import { listParked } from './parked.contract.ts';

function viewOf(row: ReadRow): object {
  return {
    topic: row['topic'],
    partition: row['partition'],
    offset: String(row['record_offset']),
    consumer: row['consumer'],
    eventId: row['event_id'],
    eventType: row['event_type'],
    code: row['code'],
    field: row['field'],
    message: row['message'],
    recordedAt: isoTime(row['recorded_at_ms'] as bigint | null),
    parkedAt: isoTime(row['parked_at_ms'] as bigint | null),
  };
}

function pageView({ rows, nextCursor }: NewestPage): object {
  return { items: rows.map(viewOf), nextCursor };
}

/** What waits for somebody to look at it. */
@Controller()
export class ParkedController {
  readonly #reads: ReadStore;
  readonly #past: PastModels;

  constructor(reads: ReadStore, past: PastModels) {
    this.#reads = reads;
    this.#past = past;
  }

  @Route(listParked)
  async list(@Input(listParked) { query }: InputOf<typeof listParked>): Promise<object> {
    const where = query.topic === undefined ? [] : [{ column: 'topic', is: 'eq', value: query.topic } as const];
    const page = { where, by: 'recorded_at_ms', limit: query.limit, cursor: query.cursor };
    if (query.asOf === undefined) return pageView(await newestPage(this.#reads, parkedEventTable, page));
    return this.#past.at(query.asOf, 'query.asOf', async ({ asOf, reads }) => {
      const found = await newestPage(reads, parkedEventTable, page);
      if (found.rows.length === 0) await this.#past.requireBegun(asOf, 'query.asOf');
      return pageView(found);
    });
  }
}
