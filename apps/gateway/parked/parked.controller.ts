import { parkedEventTable } from '#domain/operation';
import { ReadStore, type ReadRow } from '#ports';
import { Controller } from '@nestjs/common';
import { isoTime } from '../http/fields.ts';
import { newestPage } from '../http/newest-page.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
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

/** What waits for somebody to look at it. */
@Controller()
export class ParkedController {
  readonly #reads: ReadStore;

  constructor(reads: ReadStore) {
    this.#reads = reads;
  }

  @Route(listParked)
  async list(@Input(listParked) { query }: InputOf<typeof listParked>): Promise<object> {
    const where = query.topic === undefined ? [] : [{ column: 'topic', is: 'eq', value: query.topic } as const];
    const { rows, nextCursor } = await newestPage(this.#reads, parkedEventTable, { where, by: 'recorded_at_ms', limit: query.limit, cursor: query.cursor });
    return { items: rows.map(viewOf), nextCursor };
  }
}
