import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { compareText, keyTextOf, type ColumnType, type ColumnValue, type RowChange, type Stamp, type TableSpec } from '#kernel';
import type { PastBlock } from '#ports';

/** Text of a block's rows, about: a question for one row reads so much of each piece. */
const blockBytes = 8_192;

type Values = Readonly<Record<string, unknown>>;

function plain(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function valueOf(type: ColumnType, value: unknown): ColumnValue {
  return type === 'bigint' && value !== null ? BigInt(value as string) : (value as ColumnValue);
}

/** Stamps of a clock's text stay text, numbers of one writer are bigints. */
function stampTypes(table: TableSpec): ReadonlyMap<string, ColumnType> {
  return new Map(
    Object.values(table.columns).flatMap(({ stamp, join }) => (stamp === undefined ? [] : [[stamp, join === 'hlc' ? 'text' : 'bigint'] as const])),
  );
}

function encode(rows: readonly string[]): Uint8Array {
  return zstdCompressSync(`[${rows.join(',')}]`);
}

/** Puts rows that come in the order of their keys into blocks. */
export class BlockWriter {
  readonly #table: TableSpec;
  #rows: string[] = [];
  #bytes = 0;
  #firstKey = '';
  #lastKey = '';

  constructor(table: TableSpec) {
    this.#table = table;
  }

  /** @returns a block once one is full */
  add(key: string, { key: columns, set, stamps = {} }: RowChange): PastBlock | undefined {
    const full = this.#bytes >= blockBytes ? this.end() : undefined;
    if (this.#rows.length === 0) this.#firstKey = key;
    this.#lastKey = key;
    const text = JSON.stringify([...Object.keys(this.#table.key).map((name) => columns[name]), set, stamps], plain);
    this.#rows.push(text);
    this.#bytes += text.length;
    return full;
  }

  /** What is left. */
  end(): PastBlock | undefined {
    if (this.#rows.length === 0) return undefined;
    const rows = this.#rows;
    [this.#rows, this.#bytes] = [[], 0];
    return { table: this.#table.name, firstKey: this.#firstKey, lastKey: this.#lastKey, rows: rows.length, bytes: encode(rows) };
  }
}

/** The rows of a block, in the order of their keys. */
export function rowsOfBlock(table: TableSpec, bytes: Uint8Array): readonly RowChange[] {
  const rows = JSON.parse(zstdDecompressSync(bytes).toString('utf8')) as ReadonlyArray<readonly unknown[]>;
  const key = Object.entries(table.key);
  const stamped = stampTypes(table);
  return rows.map((row) => {
    const [set, stamps] = [row[key.length] as Values, row[key.length + 1] as Values];
    return {
      table: table.name,
      key: Object.fromEntries(key.map(([name, type], at) => [name, valueOf(type, row[at]) as string | number | bigint])),
      set: Object.fromEntries(Object.entries(set).map(([name, value]) => [name, valueOf(table.columns[name]?.type ?? 'json', value)])),
      stamps: Object.fromEntries(Object.entries(stamps).map(([name, value]) => [name, valueOf(stamped.get(name) ?? 'bigint', value) as Stamp])),
    };
  });
}

/** Rows of one table with their keys as text, in the order of those. */
export function inKeyOrder(table: TableSpec, rows: readonly RowChange[]): ReadonlyArray<readonly [key: string, row: RowChange]> {
  return rows.map((row) => [keyTextOf(table, row.key), row] as const).sort((a, b) => compareText(a[0], b[0]));
}
