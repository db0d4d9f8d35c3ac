import { z } from 'zod';
import { asOf, pageLimit } from '../http/fields.ts';
import { operation } from '../http/operation.ts';
import { tableParams, whereOfKey } from './watch.contract.ts';

const common = { tag: 'Read models', method: 'GET', scopes: ['view', 'operate'], tenancy: 'own', status: 200 } as const;

/** Query of a page of rows, wherever they are read. */
export const rowsQuery = z.strictObject({
  where: whereOfKey,
  limit: pageLimit,
  cursor: z.string().min(1).max(2048).optional().describe('`nextCursor` of the page before.'),
});

export const rowsAnswer = z.object({
  rows: z.array(z.record(z.string(), z.unknown())).describe('Integers that a JSON number does not hold exactly are text.'),
  nextCursor: z.string().nullable(),
});

const tableView = z.object({
  table: z.string(),
  projection: z.string(),
  version: z.number().describe('Of the code that keeps it.'),
  key: z.array(z.string()).describe('Columns of the key, in the order in which rows are listed.'),
  columns: z.array(z.string()),
});

export const listReadTables = operation({
  ...common,
  id: 'listReadTables',
  path: '/api/v1/read-models',
  summary: 'List the tables of read models that this key may read',
  answer: z.object({ items: z.array(tableView) }),
});

export const readRows = operation({
  ...common,
  id: 'readRows',
  path: '/api/v1/read-models/:table/rows',
  summary: 'List rows of a read model in the order of their keys, as they are or as they stood at a moment',
  params: tableParams,
  query: rowsQuery.extend({ asOf }),
  answer: rowsAnswer,
});
