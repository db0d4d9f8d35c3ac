import { personalPlaceTable } from '#domain/access';
import { cloudEventJson, sealedPrefix, topicPartitions, type Context, type StoredRecord } from '#events';
import type { TableSpec } from '#kernel';
import type { EventLog, ReadLimits, ReadRow, ReadStore, RowKey, SubjectKey } from '#ports';
import type { PersonalData } from '#runtime';
import { isoTime } from '../http/fields.ts';
import { readTables } from '../watch/read-models.ts';
import { rowJson } from '../watch/row-json.codec.ts';
import type { FoundSubject } from './subject-erasure.ts';

export interface SubjectExportDeps {
  readonly log: EventLog;
  readonly reads: ReadStore;
  readonly personal: PersonalData;
}

interface WantedRows {
  readonly keyId: string;
  /** Columns by which rows were given before: one that names somebody twice is one row. */
  readonly told: readonly string[];
  readonly keys: readonly SubjectKey[];
}

const rowsMax = 1_000;
const limits: ReadLimits = { recordsMax: 1_000, bytesMax: 4_194_304, waitMs: 0 };

/**
 * All that is stored of a subject as one JSON document, in parts: no more of it is in memory than what was read at once.
 * Which part of the log to look at is known from the read model of places; rows are found by the keys that they name.
 */
export class SubjectExport {
  readonly #deps: SubjectExportDeps;

  constructor(deps: SubjectExportDeps) {
    this.#deps = deps;
  }

  async *document({ subject, keys }: FoundSubject, nowMs: number): AsyncGenerator<string> {
    const told = keys.map(({ keyId, tenant, createdAtMs, erasedAtMs }) => ({ keyId, tenant, createdAt: isoTime(createdAtMs), erasedAt: isoTime(erasedAtMs) }));
    yield `{"subject":${JSON.stringify(subject)},"exportedAt":${JSON.stringify(isoTime(nowMs))},"keys":${JSON.stringify(told)},"events":[`;
    yield* separated(this.#events(keys));
    yield '],"rows":[';
    yield* separated(this.#rows(keys));
    yield ']}\n';
  }

  async *#events(keys: readonly SubjectKey[]): AsyncGenerator<string> {
    for (const [topic, { fromMs, untilMs }] of await this.#places(keys)) {
      for (let partition = 0; partition < topicPartitions; partition++) {
        const from = await this.#deps.log.offsetAt(topic, partition, fromMs);
        for await (const record of this.#recordsOf(keys, topic, partition, from, untilMs)) yield cloudEventJson(topic, record);
      }
    }
  }

  /** Between which times of record each topic has values of these keys. */
  async #places(keys: readonly SubjectKey[]): Promise<ReadonlyMap<Context, { readonly fromMs: number; readonly untilMs: number }>> {
    const places = new Map<Context, { fromMs: number; untilMs: number }>();
    for (const { keyId } of keys) {
      const rows = await this.#deps.reads.select(personalPlaceTable, { where: [{ column: 'key_id', is: 'eq', value: keyId }], limit: rowsMax });
      for (const row of rows) {
        const [topic, first, last] = [row['topic'] as Context, Number(row['first_at_ms']), Number(row['last_at_ms'])];
        const known = places.get(topic);
        places.set(topic, { fromMs: Math.min(first, known?.fromMs ?? first), untilMs: Math.max(last, known?.untilMs ?? last) });
      }
    }
    return places;
  }

  async *#recordsOf(keys: readonly SubjectKey[], topic: Context, partition: number, start: bigint, untilMs: number): AsyncGenerator<StoredRecord> {
    const { log, personal } = this.#deps;
    const marks = keys.map(({ keyId }) => `${sealedPrefix}${keyId}:`);
    for (let from = start; ;) {
      const { records, next, high } = await log.read(topic, partition, from, limits);
      const inTime = records.filter(({ recordedAt }) => recordedAt <= untilMs);
      yield* await personal.openRecords(inTime.filter(({ value }) => marks.some((mark) => value.includes(mark))));
      if (inTime.length < records.length || next <= from || next >= high) return;
      from = next;
    }
  }

  async *#rows(keys: readonly SubjectKey[]): AsyncGenerator<string> {
    for (const { table } of readTables) {
      const columns = Object.keys(table.personal ?? {});
      for (const [at, column] of columns.entries()) {
        for (const { keyId } of keys) {
          for await (const row of this.#rowsOf(table, column, { keyId, told: columns.slice(0, at), keys }))
            yield `{"table":${JSON.stringify(table.name)},"row":${rowJson(row)}}`;
        }
      }
    }
  }

  async *#rowsOf(table: TableSpec, column: string, { keyId, told, keys }: WantedRows): AsyncGenerator<ReadRow> {
    const { reads, personal } = this.#deps;
    // Text is compared by its bytes: a semicolon comes right after the colon.
    const where = [
      { column, is: 'gte' as const, value: `${sealedPrefix}${keyId}:` },
      { column, is: 'lt' as const, value: `${sealedPrefix}${keyId};` },
    ];
    const names = Object.keys(table.key);
    for (let after: RowKey | undefined; ;) {
      const orderBy = names.map((name) => ({ column: name }));
      const rows = await reads.select(table, { where, orderBy, limit: rowsMax, ...(after === undefined ? {} : { after }) });
      const fresh = rows.filter((row) => !told.some((name) => keys.some((key) => String(row[name]).startsWith(`${sealedPrefix}${key.keyId}:`))));
      yield* await personal.openRows(table, fresh);
      const last = rows.at(-1);
      if (rows.length < rowsMax || last === undefined) return;
      after = Object.fromEntries(names.map((name) => [name, last[name] as string | number | bigint]));
    }
  }
}

async function* separated(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let first = true;
  for await (const part of parts) {
    yield first ? part : `,${part}`;
    first = false;
  }
}
