import type { StatementSync } from 'node:sqlite';
import type { LogRecord } from '#events';
import type { LogDatabase } from './log-database.ts';

type Headers = LogRecord['headers'];

/** Between the values of one record's headers. A value that holds it itself goes the long way, as JSON. */
const separator = '\u001f';

/** Most sets of header names that get an id: records of our catalogue need one. Further sets go as JSON. */
const setsMax = 1024;

/** The id that stands for "as a JSON object". */
const asJson = 0;

interface NameSet {
  readonly id: number;
  readonly names: readonly string[];
  /** All names, without values: a copy of it gets its shape at once, where an object filled name by name grows step by step. */
  readonly template: Headers;
  /** Bytes that the names add to a record, less the separators that its stored text holds. */
  readonly extraBytes: number;
}

export interface EncodedHeaders {
  readonly names: number;
  readonly text: string;
}

/**
 * Headers as text. Nearly all records carry the same header names in the same order, so the names are stored once per
 * file and each record holds only the values.
 */
export class HeaderDictionary {
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #load: StatementSync;
  readonly #count: StatementSync;
  readonly #byId = new Map<number, NameSet>();
  readonly #byNames = new Map<string, NameSet>();
  #last: NameSet | undefined;

  constructor(db: LogDatabase) {
    this.#find = db.prepare('SELECT id FROM header_names WHERE names = ?');
    this.#insert = db.prepare('INSERT INTO header_names (names) VALUES (?)');
    this.#load = db.prepare('SELECT names FROM header_names WHERE id = ?');
    this.#count = db.prepare('SELECT count(*) AS count FROM header_names');
  }

  /** Within a write transaction: may write to the dictionary. */
  encode(headers: Headers): EncodedHeaders {
    const names = Object.keys(headers);
    const set = this.#setOf(names);
    if (set === undefined) return { names: asJson, text: JSON.stringify(headers) };
    let text = '';
    for (let at = 0; at < names.length; at++) {
      const value = headers[names[at] as string] as string;
      if (value.includes(separator)) return { names: asJson, text: JSON.stringify(headers) };
      text = at === 0 ? value : text + separator + value;
    }
    return { names: set.id, text };
  }

  decode(id: number, text: string): Headers {
    if (id === asJson) return JSON.parse(text) as Headers;
    const { names, template } = this.#setById(id);
    const values = text.split(separator);
    const headers: Record<string, string> = { ...template };
    for (let at = 0; at < names.length; at++) headers[names[at] as string] = values[at] as string;
    return headers;
  }

  /** What the limits count beyond the stored text. */
  extraBytes(id: number): number {
    return id === asJson ? 0 : this.#setById(id).extraBytes;
  }

  /** After a rollback: ids given in that transaction are void. */
  forget(): void {
    this.#byId.clear();
    this.#byNames.clear();
    this.#last = undefined;
  }

  #setOf(names: readonly string[]): NameSet | undefined {
    if (this.#last !== undefined && sameNames(this.#last.names, names)) return this.#last;
    const key = JSON.stringify(names);
    const known = this.#byNames.get(key);
    this.#last = known ?? this.#add(key, names);
    return this.#last;
  }

  #add(key: string, names: readonly string[]): NameSet | undefined {
    let id = this.#find.get(key)?.['id'] as number | undefined;
    if (id === undefined) {
      if ((this.#count.get()?.['count'] as number) >= setsMax) return undefined;
      id = Number(this.#insert.run(key).lastInsertRowid);
    }
    return this.#remember(id, key, names);
  }

  #setById(id: number): NameSet {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const key = this.#load.get(id)?.['names'] as string;
    return this.#remember(id, key, JSON.parse(key) as string[]);
  }

  #remember(id: number, key: string, names: readonly string[]): NameSet {
    const extraBytes = names.reduce((sum, name) => sum + Buffer.byteLength(name), 0) - Math.max(0, names.length - 1);
    const set = { id, names, template: Object.fromEntries(names.map((name) => [name, ''])), extraBytes };
    this.#byId.set(id, set);
    this.#byNames.set(key, set);
    return set;
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
