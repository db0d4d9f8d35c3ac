import type { ColumnType, ColumnValue } from '#kernel';

type Value = ColumnValue | undefined;

/** Types of elements by their OIDs (pg_type.dat). */
const oids = { int8: 20, float8: 701, bool: 16 } as const;

/** Dimensions, whether nulls may come, type of the elements; of the one dimension its length and the number of its first element. */
const headBytes = 20;
const nullLength = -1;
const wordRange = 2 ** 32;

/**
 * The numbers or booleans of one column as an array in PostgreSQL's binary format (`array_send` in arrayfuncs.c): neither side
 * writes or reads digits, which was a third of what an upsert of many numbers cost. `undefined` is null: a column that a
 * change does not set. Undefined for texts and JSON, for no values, and where a value is not of the type: that one is the
 * server's to refuse, which sees it as text.
 */
export function binaryArray(type: ColumnType, values: readonly Value[]): Buffer | undefined {
  if (values.length === 0) return undefined;
  switch (type) {
    case 'integer':
    case 'count':
    case 'timestamp':
    case 'bigint':
      return arrayOf(oids.int8, 8, values, putWhole);
    case 'double':
      return arrayOf(oids.float8, 8, values, putDouble);
    case 'boolean':
      return arrayOf(oids.bool, 1, values, putBoolean);
    case 'text':
    case 'json':
      return undefined;
  }
}

/** Writes a value where it belongs; false when it is none of the type. */
type Put = (view: DataView, at: number, value: ColumnValue) => boolean;

function arrayOf(oid: number, elementBytes: number, values: readonly Value[], put: Put): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(headBytes + values.length * (4 + elementBytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = headBytes;
  let nulls = 0;
  for (const value of values) {
    if (value === null || value === undefined) {
      view.setInt32(at, nullLength);
      at += 4;
      nulls++;
      continue;
    }
    view.setInt32(at, elementBytes);
    if (!put(view, at + 4, value)) return undefined;
    at += 4 + elementBytes;
  }
  view.setInt32(0, 1);
  view.setInt32(4, nulls === 0 ? 0 : 1);
  view.setInt32(8, oid);
  view.setInt32(12, values.length);
  view.setInt32(16, 1);
  return bytes.subarray(0, at);
}

function putWhole(view: DataView, at: number, value: ColumnValue): boolean {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) return false;
    view.setInt32(at, Math.floor(value / wordRange));
    view.setInt32(at + 4, value | 0);
    return true;
  }
  if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return false;
  view.setBigInt64(at, value);
  return true;
}

function putDouble(view: DataView, at: number, value: ColumnValue): boolean {
  if (typeof value !== 'number') return false;
  view.setFloat64(at, value);
  return true;
}

function putBoolean(view: DataView, at: number, value: ColumnValue): boolean {
  if (typeof value !== 'boolean') return false;
  view.setUint8(at, value ? 1 : 0);
  return true;
}
