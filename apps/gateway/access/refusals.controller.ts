import { refusalTable, seesEveryTenant } from '#domain/access';
import { ReadStore, type ReadCondition, type ReadRow } from '#ports';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { newestPage } from '../http/newest-page.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { ShownRows } from '../review/shown-rows.ts';
import { listRefusals } from './refusals.contract.ts';

function viewOf(row: ReadRow): object {
  const { address, who, operation, reason, tenant } = row;
  const times = { firstAt: isoTime(row['first_at_ms'] as bigint | null), lastAt: isoTime(row['last_at_ms'] as bigint | null) };
  return { address, who, operation, reason, tenant, ...times };
}

/** Who was turned away at the door. */
@Controller()
export class RefusalsController {
  readonly #reads: ReadStore;
  readonly #shown: ShownRows;

  constructor(reads: ReadStore, shown: ShownRows) {
    this.#reads = reads;
    this.#shown = shown;
  }

  @Route(listRefusals)
  async list(@Input(listRefusals) { query }: InputOf<typeof listRefusals>, @ByCaller() caller: Caller): Promise<object> {
    const { principal } = caller;
    const view = this.#shown.for('listRefusals', query.reveal, caller);
    const { reason, who, tenant, limit, cursor } = query;
    const where = Object.entries({ reason, who, tenant }).flatMap(([column, value]): ReadCondition[] =>
      value === undefined ? [] : [{ column, is: 'eq', value }],
    );
    if (!seesEveryTenant(principal)) where.push({ column: 'tenant', is: 'eq', value: principal.tenant });
    const page = await newestPage(this.#reads, refusalTable, { where, by: 'last_at_ms', limit, cursor });
    return { items: (await view.rows(refusalTable, page.rows)).map(viewOf), nextCursor: page.nextCursor };
  }
}
