import type { ColumnType, ColumnValue, TableSpec } from '#kernel';
import type { ReadRow } from '#ports';
import { create } from '@bufbuild/protobuf';
import type { FieldProblem } from '../http/problem.errors.ts';
import { RowSchema, ValueSchema, type Row, type Value } from './generated/streams/v1/query_service_pb.ts';

export function typeOfColumn(table: TableSpec, name: string): ColumnType | undefined {
  if (Object.hasOwn(table.key, name)) return table.key[name];
  return Object.hasOwn(table.columns, name) ? table.columns[name]?.type : undefined;
}

function valueMessage(type: ColumnType, value: ColumnValue): Value {
  if (value === null) return create(ValueSchema);
  switch (type) {
    case 'text':
      return create(ValueSchema, { value: { case: 'text', value: value as string } });
    case 'integer':
    case 'timestamp':
    case 'bigint':
      return create(ValueSchema, { value: { case: 'integer', value: BigInt(value as number | bigint) } });
    case 'double':
      return create(ValueSchema, { value: { case: 'number', value: value as number } });
    case 'boolean':
      return create(ValueSchema, { value: { case: 'boolean', value: value as boolean } });
    case 'json':
      return create(ValueSchema, { value: { case: 'json', value: JSON.stringify(value) } });
  }
}

export function rowMessage(table: TableSpec, row: ReadRow): Row {
  const columns: Record<string, Value> = {};
  for (const [name, value] of Object.entries(row)) columns[name] = valueMessage(typeOfColumn(table, name) ?? 'json', value);
  return create(RowSchema, { columns });
}

/** A value of a request as one that can be compared with a column's; a problem when it is of another type. */
export function comparable(table: TableSpec, name: string, { value }: Value, field: string): string | number | bigint | boolean | FieldProblem {
  const type = typeOfColumn(table, name);
  if (type === undefined) return { field, message: `The table ${table.name} has no such column.` };
  const wanted = type === 'integer' || type === 'timestamp' || type === 'bigint' ? 'integer' : type === 'double' ? 'number' : type;
  if (value.case === undefined || value.case !== wanted || type === 'json') return { field, message: `Expected a value of the type ${wanted}.` };
  // U+0000 is in no text that a read model holds, and PostgreSQL takes none.
  if (typeof value.value === 'string' && value.value.includes('\0')) return { field, message: 'Expected text without U+0000.' };
  return type === 'integer' || type === 'timestamp' ? Number(value.value) : value.value;
}
