import {
  changeAt,
  keyIdsIn,
  definitionOf,
  formatErased,
  formatLocked,
  parseSealed,
  personalFields,
  sealedPrefix,
  type EventDefinition,
  type PersonalField,
  type StoredRecord,
} from '#events';
import type { ColumnValue, TableSpec } from '#kernel';
import type { ReadCondition, ReadRow } from '#ports';
import { anyPlace, openText, placeOf, sealText, type DataKey } from './subject-cipher.ts';
import { nameOf, type KnownKey, type Person, type SubjectKeys } from './subject-keys.ts';

/** An event's data as the log has it, and what its key and subject are made of. */
export interface SealedData {
  readonly data: unknown;
  /** The same, with what stands for the subject in the place of its personal values. */
  readonly nameless: unknown;
}

/** A place of an event whose text is to be replaced. */
export interface SealInit {
  readonly definition: EventDefinition;
  readonly eventId: string;
  readonly data: unknown;
}

/**
 * Encrypts personal values on their way to the log, and decrypts them for those who may see them. Everything in between, the
 * log, outbox, heads and read models, has them encrypted; so has everything that is made of those.
 */
export class PersonalData {
  readonly keys: SubjectKeys;

  constructor(keys: SubjectKeys) {
    this.keys = keys;
  }

  /** Encrypts the personal fields of an event. @throws OperatingError of {@link SubjectKeys.forWriting} */
  async seal(init: SealInit, person: Person): Promise<SealedData> {
    const key = (await this.keys.forWriting([person])).get(nameOf(person)) as DataKey;
    return sealedUnder(key, init);
  }

  /** Records as readers have them: personal values in clear, or what stands in their place. Those without any are handed back as they are. */
  async openRecords(records: readonly StoredRecord[]): Promise<readonly StoredRecord[]> {
    const sealed = new Set(records.filter(mayHold));
    if (sealed.size === 0) return records;
    const parsed = new Map([...sealed].map((record) => [record, JSON.parse(record.value) as unknown]));
    const keyIds = [...parsed].flatMap(([record, data]) => keyIdsIn(definitionOf(record.headers['ce_type'] ?? '') as EventDefinition, data));
    const keys = await this.keys.forReading(keyIds);
    return records.map((record) => (parsed.has(record) ? openedRecord(record, parsed.get(record), keys) : record));
  }

  /** Rows as readers have them. */
  async openRows(table: TableSpec, rows: readonly ReadRow[]): Promise<readonly ReadRow[]> {
    const columns = Object.keys(table.personal ?? {});
    if (columns.length === 0 || rows.length === 0) return rows;
    const keyIds = rows.flatMap((row) => columns.flatMap((column) => keyIdOf(row[column] ?? null)));
    if (keyIds.length === 0) return rows;
    const keys = await this.keys.forReading(keyIds);
    return rows.map((row) => ({ ...row, ...Object.fromEntries(columns.map((column) => [column, openedColumn(row[column] ?? null, keys)])) }));
  }

  /** Conditions on personal columns that name a subject, as the rows have them. */
  async conditions(table: TableSpec, where: readonly ReadCondition[]): Promise<readonly ReadCondition[]> {
    const { personal = {} } = table;
    const tenant = where.find(({ column, is }) => column === 'tenant' && is === 'eq')?.value;
    return Promise.all(
      where.map(async (condition) => {
        const kind = personal[condition.column]?.identifies;
        if (kind === undefined || condition.is !== 'eq' || condition.value === '') return condition;
        const key = await this.keys.peek(`${kind}:${String(condition.value)}`, tenant === undefined ? undefined : String(tenant));
        return key === undefined ? condition : { ...condition, value: sealText(key, anyPlace, String(condition.value)) };
      }),
    );
  }
}

/** Encrypts under a key that is at hand. */
export function sealedUnder(key: DataKey, { definition, eventId, data }: SealInit): SealedData {
  let sealed = data;
  let nameless = data;
  for (const { path, identifies } of personalFields(definition)) {
    sealed = changeAt(sealed, path, (text, pointer) => sealText(key, identifies ? anyPlace : placeOf(eventId, pointer), text));
    nameless = changeAt(nameless, path, () => `person:${key.keyId}`);
  }
  return { data: sealed, nameless };
}

/** What was opened, and what it was made of. */
const written = new WeakMap<StoredRecord, StoredRecord>();

/** A record as the log has it, whoever opened it: what is made of it has the keys of rows. */
export function asWritten(record: StoredRecord): StoredRecord {
  return written.get(record) ?? record;
}

/** Types with personal fields, looked up by one step per record. */
const fieldsByType = new Map<string, readonly PersonalField[]>();

function mayHold({ headers, value }: StoredRecord): boolean {
  const type = headers['ce_type'] ?? '';
  let fields = fieldsByType.get(type);
  if (fields === undefined) {
    const definition = definitionOf(type);
    if (definition === undefined) return false;
    fields = personalFields(definition);
    fieldsByType.set(type, fields);
  }
  return fields.length > 0 && value.includes(`"${sealedPrefix}`);
}

function keyIdOf(value: ColumnValue): string[] {
  const keyId = typeof value === 'string' ? parseSealed(value)?.keyId : undefined;
  return keyId === undefined ? [] : [keyId];
}

function openedRecord(record: StoredRecord, data: unknown, keys: ReadonlyMap<string, KnownKey>): StoredRecord {
  const definition = definitionOf(record.headers['ce_type'] ?? '') as EventDefinition;
  const eventId = record.headers['ce_id'] ?? '';
  let opened = data;
  for (const { path, identifies } of personalFields(definition)) {
    opened = changeAt(opened, path, (text, pointer) => openedText(text, keys, identifies ? anyPlace : placeOf(eventId, pointer)));
  }
  const shown = { ...record, value: JSON.stringify(opened) };
  written.set(shown, record);
  return shown;
}

function openedColumn(value: ColumnValue, keys: ReadonlyMap<string, KnownKey>): ColumnValue {
  return typeof value === 'string' ? openedText(value, keys) : value;
}

/** @param place where it has to be from; a row no longer knows */
function openedText(text: string, keys: ReadonlyMap<string, KnownKey>, place?: string): string {
  const sealed = parseSealed(text);
  if (sealed === undefined) return text;
  const known = keys.get(sealed.keyId);
  if (known?.is === 'erased') return formatErased(sealed.keyId, known.atMs);
  const isMoved = place !== undefined && place !== sealed.place;
  const opened = known?.is === 'live' && !isMoved ? openText(known.key, text) : undefined;
  return opened ?? formatLocked(sealed.keyId);
}
