import { ReadStore } from '#ports';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { PastModels } from '../past/past-models.ts';
import { ShownRows } from '../review/shown-rows.ts';
import { confinement, tableFor, tablesFor } from './read-models.ts';
import { conditionsOfText } from './row-json.codec.ts';
import { rowPage, sendRows, type RowPage } from './row-pages.ts';
import { listReadTables, readRows } from './rows.contract.ts';

/** Pages of every read model, as it is or as it stood; what is personal is masked. */
@Controller()
export class RowsController {
  readonly #reads: ReadStore;
  readonly #past: PastModels;
  readonly #shown: ShownRows;

  constructor(reads: ReadStore, past: PastModels, shown: ShownRows) {
    this.#reads = reads;
    this.#past = past;
    this.#shown = shown;
  }

  @Route(listReadTables)
  list(@ByCaller() { principal }: Caller): object {
    const items = tablesFor(principal).map(({ projection, table }) => {
      const { name, version } = projection;
      return { table: table.name, projection: name, version, key: Object.keys(table.key), columns: Object.keys(table.columns) };
    });
    return { items };
  }

  @Route(readRows)
  async rows(@Input(readRows) { params, query }: InputOf<typeof readRows>, @ByCaller() { principal }: Caller, @Res() reply: FastifyReply): Promise<void> {
    const { table } = tableFor(principal, params.table);
    const where = [...(await this.#shown.masked.conditions(table, conditionsOfText(table, query.where ?? []), 'query.where.')), ...confinement(principal)];
    const read = (reads: ReadStore): Promise<RowPage> => rowPage(reads, table, { where, limit: query.limit, cursor: query.cursor });
    const { rows, nextCursor } = query.asOf === undefined ? await read(this.#reads) : await this.#asOf(query.asOf, read);
    sendRows(reply, { rows: await this.#shown.masked.rows(table, rows), nextCursor });
  }

  #asOf(text: string, read: (reads: ReadStore) => Promise<RowPage>): Promise<RowPage> {
    return this.#past.at(text, 'query.asOf', async ({ asOf, reads }) => {
      const page = await read(reads);
      if (page.rows.length === 0) await this.#past.requireBegun(asOf, 'query.asOf');
      return page;
    });
  }
}
