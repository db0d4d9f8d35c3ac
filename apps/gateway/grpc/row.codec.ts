import { elementsOf, type Dots, type TableSpec } from '#kernel';
import type { ReadCondition, ReadRow } from '#ports';
import { create, isFieldSet, ScalarType, type DescField, type DescMessage, type Message, type MessageShape } from '@bufbuild/protobuf';
import { badRequest, type FieldProblem } from '../http/problem.errors.ts';
import { RowSchema, type Row } from './generated/streams/v1/read_models_pb.ts';

/** A row as the message of its table: fields are named as columns, and what is null is not set. */
export function rowMessage<Desc extends DescMessage>(desc: Desc, row: ReadRow): MessageShape<Desc> {
  const set = desc.fields.flatMap((field) => {
    const value = row[field.name] ?? null;
    return value === null ? [] : [[field.localName, isDots(field, value) ? elementsOf(value as Dots) : value]];
  });
  return create(desc, Object.fromEntries(set) as never);
}

/** A column that joins as a set has a list in the contract: its elements, without the dots by which they were added. */
function isDots(field: DescField, value: unknown): boolean {
  return field.fieldKind === 'list' && !Array.isArray(value);
}

/** The field of a {@link Row} that holds rows of a table. */
export function fieldOfTable({ name }: TableSpec): DescField & { readonly message: DescMessage } {
  const field = RowSchema.fields.find((one) => one.name === name);
  if (field?.message === undefined) throw new Error(`the contract has no rows of ${name}`);
  return field as DescField & { readonly message: DescMessage };
}

/** A row of any table. */
export function anyRowMessage(table: TableSpec, row: ReadRow): Row {
  const { message, localName } = fieldOfTable(table);
  return create(RowSchema, { row: { case: localName, value: rowMessage(message, row) } as never });
}

/** The field of a request that names no column, but the moment of which the rows are. */
const momentField = 'as_of';

/**
 * The fields that are set, as conditions on the columns of their names.
 * @param where the request's field that they came in, as problems name it; empty for the request itself
 * @throws ProblemError 400 naming the fields that are wrong
 */
export function conditionsOf(desc: DescMessage, message: Message, where: string): ReadCondition[] {
  const errors: FieldProblem[] = [];
  const conditions: ReadCondition[] = [];
  for (const field of desc.fields.filter((one) => one.name !== momentField && isFieldSet(message, one))) {
    const value = (message as unknown as Readonly<Record<string, unknown>>)[field.localName];
    const problem = problemOf(field, value);
    if (problem === undefined) conditions.push({ column: field.name, is: 'eq', value: value as string | number | bigint | boolean });
    else errors.push({ field: where === '' ? field.name : `${where}.${field.name}`, message: problem });
  }
  if (errors.length > 0) throw invalid(errors);
  return conditions;
}

function problemOf(field: DescField, value: unknown): string | undefined {
  if (field.fieldKind !== 'scalar') return 'Rows cannot be found by this field.';
  // U+0000 is in no text that a read model holds, and PostgreSQL takes none.
  return field.scalar === ScalarType.STRING && (value as string).includes('\0') ? 'Expected text without U+0000.' : undefined;
}

export function invalid(errors: readonly FieldProblem[]): Error {
  return badRequest('invalid-request', errors.map(({ field, message }) => `${field}: ${message}`).join(' '), errors);
}
