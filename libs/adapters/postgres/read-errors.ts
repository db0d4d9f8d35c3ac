import { OperatingError, type TableSpec } from '#kernel';
import type { Comparison } from '#ports';
import { sqlState } from './database-errors.ts';

const undefinedTable = '42P01';
const undefinedColumn = '42703';

export const operators: Readonly<Record<Comparison, string>> = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** What a query of a read model fails with, in terms of the port. */
export function asTableUnknown(table: TableSpec): (error: unknown) => never {
  return (error) => {
    // The code knows a column that the serving version, an older one, does not have yet.
    if (sqlState(error) === undefinedColumn)
      throw new OperatingError(`A new version of the table ${table.name} is being built; the one that serves lacks a column.`, {
        code: 'READ_MODEL_BUILDING',
        retryable: true,
        cause: error,
      });
    if (sqlState(error) !== undefinedTable) throw error;
    throw new OperatingError(`No projection serves the table ${table.name}.`, { code: 'TABLE_UNKNOWN', retryable: false, cause: error });
  };
}
