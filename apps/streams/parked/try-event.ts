import { dataschemaOf, decodeEvent, definitionOf, type DomainEvent, type LogRecord } from '#events';
import { foldChanges, type Projection, type RowChange } from '#kernel';

/** What is changed for a try: the data as a new upcaster makes it, or as an operator has edited it. */
export type EditData = (data: unknown, about: { readonly type: string; readonly version: number }) => unknown;

export interface Trial {
  readonly projection: string;
  /** What the event does to rows; empty when it failed. */
  readonly changes: readonly RowChange[];
  /** Undefined when it can be taken. */
  readonly error: { readonly name: string; readonly message: string } | undefined;
}

/** The version in a record's `dataschema`; 1 when it names none. */
export function versionOf(record: LogRecord): number {
  return Number(/:(\d{1,6})$/.exec(record.headers['ce_dataschema'] ?? '')?.[1] ?? 1);
}

/** The record with its data changed, as one of its type's newest version. @throws Error when it is of no type that is known, or not JSON. */
export function edited(record: LogRecord, edit: EditData): LogRecord {
  const type = record.headers['ce_type'] ?? '';
  const definition = definitionOf(type);
  if (definition === undefined) throw new Error(`The catalogue of this program has no event "${type}".`);
  const data = edit(JSON.parse(record.value) as unknown, { type, version: versionOf(record) });
  return { ...record, headers: { ...record.headers, ce_dataschema: dataschemaOf(type, definition.version) }, value: JSON.stringify(data) };
}

/** Decodes a record and lets projections take it, here and now; nothing outside of this process is touched. */
export function tryRecord(record: LogRecord, projections: readonly Projection<DomainEvent>[]): readonly Trial[] {
  return projections.map((projection) => {
    const name = `${projection.name}@${projection.version}`;
    try {
      const event = decodeEvent(record);
      const changes = projection.handles.includes(event.type) ? foldChanges(projection.tables, projection.project(event)) : [];
      return { projection: name, changes, error: undefined };
    } catch (error) {
      const { name: kind, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
      return { projection: name, changes: [], error: { name: kind, message } };
    }
  });
}
