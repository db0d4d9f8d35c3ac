import { expect, test } from '@jest/globals';
import { catalogue, type DomainEvent, type EventDefinition } from '#events';
import type { ColumnType } from '#kernel';
import { fromBinary, isFieldSet, ScalarType, toBinary, type DescField } from '@bufbuild/protobuf';
import { projections } from '#read-models';
import { readTables } from '../watch/read-models.ts';
import { QueryService } from './generated/streams/v1/query_service_pb.ts';
import { RowSchema } from './generated/streams/v1/read_models_pb.ts';
import { conditionsOf, fieldOfTable, rowMessage } from './row.codec.ts';

const scalars: Readonly<Record<ColumnType, ScalarType | undefined>> = {
  text: ScalarType.STRING,
  integer: ScalarType.INT32,
  bigint: ScalarType.INT64,
  count: ScalarType.INT64,
  timestamp: ScalarType.INT64,
  double: ScalarType.DOUBLE,
  boolean: ScalarType.BOOL,
  json: undefined,
};
const scalarOf = (field: DescField): ScalarType | undefined => (field.fieldKind === 'scalar' ? field.scalar : undefined);

test('the contract has every table, with every column, of its type', () => {
  // Differs? Add the field to proto/streams/v1/read_models.proto with the next free number, and `npm run generate`.
  expect(RowSchema.fields.map(({ name }) => name).toSorted()).toEqual(readTables.map(({ table }) => table.name).toSorted());
  for (const { table } of readTables) {
    const columns = [...Object.entries(table.key), ...Object.entries(table.columns).map(([name, { type }]) => [name, type] as const)];
    const { message } = fieldOfTable(table);
    expect(Object.fromEntries(message.fields.map((field) => [field.name, scalarOf(field)]))).toEqual(
      Object.fromEntries(columns.map(([name, type]) => [name, scalars[type]])),
    );
    const get = QueryService.methods.find(({ output }) => output.fields.some((field) => field.fieldKind === 'message' && field.message === message));
    expect(get?.input.fields.map(({ name }) => name)).toEqual([...Object.keys(table.key), 'as_of']);
  }
});

/** An event of every type, with its newest sample. */
function sampleEvents(): DomainEvent[] {
  return (catalogue as readonly EventDefinition[]).map(
    ({ type, samples }) =>
      ({
        type,
        data: samples.at(-1),
        id: `e-${type}`,
        time: 1_700_000_000_000,
        tenant: 'acme',
        actor: 'a',
        causationId: 'c',
        subject: 's',
        producerEpoch: 1n,
        streamVersion: 1n,
      }) as never,
  );
}

/** Minutes and hours are rows of two tables, made by one event. */
function periodsOf(event: DomainEvent): readonly DomainEvent[] {
  return event.type === 'traffic.reported' ? [event, { ...event, data: { ...event.data, period: 'hour' } }] : [event];
}

test('whatever events make of a row is in its message, and finds it again', () => {
  const changes = projections.flatMap((model) =>
    sampleEvents()
      .flatMap(periodsOf)
      .flatMap((event) => (model.contexts.includes(contextOf(event)) ? model.project(event) : [])),
  );
  const written = new Set<string>();
  for (const { table: name, key, set } of changes) {
    const { message } = fieldOfTable(readTables.find(({ table }) => table.name === name)?.table as never);
    const row = { ...key, ...set };
    const bytes = toBinary(message, rowMessage(message, row));
    const read = fromBinary(message, bytes);
    const filled = Object.entries(row).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0) && value !== '');
    expect(message.fields.filter((field) => isFieldSet(read, field)).map((field) => field.name)).toEqual(
      expect.arrayContaining(filled.map(([column]) => column)),
    );
    const scalar = filled.filter(([, value]) => typeof value !== 'object');
    const conditions = conditionsOf(message, rowMessage(message, Object.fromEntries(scalar)), 'where');
    expect(Object.fromEntries(conditions.map(({ column, value }) => [column, value]))).toEqual(Object.fromEntries(scalar));
    written.add(name);
  }
  expect([...written].toSorted()).toEqual(readTables.map(({ table }) => table.name).toSorted());
});

function contextOf({ type }: DomainEvent): string {
  return (catalogue as readonly EventDefinition[]).find((one) => one.type === type)?.context ?? '';
}
