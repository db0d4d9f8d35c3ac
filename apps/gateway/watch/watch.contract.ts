import { z } from 'zod';
import { operation } from '../http/operation.ts';
import { readTables } from './read-models.ts';

export const tableParams = z.strictObject({
  table: z
    .string()
    .regex(/^[a-z_]{1,64}$/)
    .describe(`A table of a read model: ${readTables.map(({ table }) => table.name).join(', ')}.`),
});

export const whereOfKey = z
  .union([z.string().max(512), z.array(z.string().max(512)).max(8)])
  .transform((value) => (typeof value === 'string' ? [value] : value))
  .optional()
  .describe('`column:value`, repeated: only rows with this value in this column of the key, such as `stream_id:st-7f3k2m9q`.');

const query = z.strictObject({
  where: whereOfKey,
  from: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('A token that came with rows of the same table and `where`: no rows but those that have changed since.'),
});

const meaning =
  '`{"token", "snapshot", "rows"}`: first the rows as they are at one moment (`snapshot` is true), then every row that changes, as it is then. The token comes with the last rows of the snapshot and with every change; it goes on in every protocol.';

const watch = { tag: 'Read models', method: 'GET', scopes: ['view', 'operate'], tenancy: 'own', params: tableParams, query } as const;

export const followRows = operation({
  ...watch,
  id: 'followRows',
  path: '/api/v1/read-models/:table/live',
  summary: 'Follow the rows of a read model as server-sent events',
  status: 200,
  headers: { 'Last-Event-ID': 'Go on behind this: no change is missed. Wins over `from`.' },
  answer: z.string().describe(`Each message: \`id\`, the token, and \`data\`: ${meaning}`),
  answerType: 'text/event-stream',
});

export const socketRows = operation({
  ...watch,
  id: 'socketRows',
  path: '/api/v1/read-models/:table/ws',
  summary: 'Follow the rows of a read model over a WebSocket',
  status: 101,
  headers: { 'Sec-WebSocket-Protocol': '`streams.v1`; browsers, which cannot send Authorization, offer `bearer.<key>` beside it.' },
  answer: z.string().describe(`Each message: ${meaning} Close codes as of /api/v1/events/ws.`),
  answerType: 'application/json',
});
