import type { TableSpec } from '#kernel';
import type { ReadRow, RowKey } from '#ports';
import { badRequest } from './problem.errors.ts';

/** A page goes on behind a key: it is in the token, in the order of the key's columns. It shows nothing that the page did not. */
export function formatKeyPage(table: TableSpec, row: ReadRow): string {
  return Buffer.from(JSON.stringify([table.name, ...Object.keys(table.key).map((name) => String(row[name]))])).toString('base64url');
}

/** @throws ProblemError 400 `token-invalid` */
export function parseKeyPage(table: TableSpec, token: string, field: string): RowKey {
  const message = 'This is not a token of this table.';
  const broken = badRequest('token-invalid', `${field}: ${message}`, [{ field, message }]);
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw broken;
  }
  const names = Object.entries(table.key);
  if (!Array.isArray(parts) || parts.length !== names.length + 1 || parts[0] !== table.name) throw broken;
  return Object.fromEntries(
    names.map(([name, type], at) => {
      const text: unknown = (parts as unknown[])[at + 1];
      if (typeof text !== 'string' || text.includes('\0') || (type !== 'text' && !/^-?\d{1,18}$/.test(text))) throw broken;
      return [name, type === 'text' ? text : type === 'bigint' ? BigInt(text) : Number(text)];
    }),
  );
}
