import { createHmac } from 'node:crypto';
import { personalViewAggregate } from '#domain/operation';
import { isErased, mask } from '#events';
import type { ColumnValue, TableSpec } from '#kernel';
import type { ReadCondition, ReadRow, SecretStore } from '#ports';
import type { CommandExecutor, PersonalData } from '#runtime';
import { mayReveal, personalQuestion, type Reviewer } from './reveal.ts';

export interface ShownRowsDeps {
  readonly personal: PersonalData;
  readonly secrets: SecretStore;
  readonly commands: CommandExecutor;
}

/** Rows for one reader. */
export interface RowView {
  /**
   * Conditions as the rows have them.
   * @param field what precedes a column's name in the request, such as `query.`
   * @throws ProblemError 400 for a condition on what is not shown
   */
  conditions(table: TableSpec, where: readonly ReadCondition[], field?: string): Promise<readonly ReadCondition[]>;
  /** Rows as this reader sees them; when personal data is shown, that is on record before. */
  rows(table: TableSpec, rows: readonly ReadRow[]): Promise<readonly ReadRow[]>;
}

/** Names what stands in the place of a key: the same for the same value, and nobody can try values. */
const secretName = 'masked-keys';
const nameHexChars = 12;

/**
 * Rows as readers see them, under the rules of events: what is personal is masked for everybody, whatever the protocol; an
 * admin who says why sees it by REST, and that goes on record. In a column of the key the mask has a name behind it, so that
 * rows are still told apart.
 */
export class ShownRows {
  /** For those whom nobody asks for a reason: live rows, gRPC, sandboxes. */
  readonly masked: RowView;
  readonly #deps: ShownRowsDeps;
  #secret: Promise<Uint8Array> | undefined;

  constructor(deps: ShownRowsDeps) {
    this.#deps = deps;
    this.masked = {
      conditions: (table, where, field) => checked(table, where, field),
      rows: (table, rows) => this.#masked(table, rows),
    };
  }

  /** @throws ProblemError 403 for a reason from somebody who may not see it */
  for(operation: string, reveal: string | undefined, reviewer: Reviewer): RowView {
    if (!mayReveal(reveal, reviewer)) return this.masked;
    const { personal, commands } = this.#deps;
    const asked = new Set<string>();
    return {
      conditions: (table, where) => {
        for (const { column } of where) asked.add(column);
        return personal.conditions(table, where);
      },
      rows: async (table, rows) => {
        // The values that were asked for are personal themselves, and stay off the record.
        const query = `${table.name} by ${[...asked].join(', ') || 'time'}`;
        const view = { operation, query, eventIds: [], count: rows.length, reason: reveal as string };
        await commands.execute(personalViewAggregate, 'personal-data', view, reviewer);
        return personal.openRows(table, rows);
      },
    };
  }

  async #masked(table: TableSpec, rows: readonly ReadRow[]): Promise<readonly ReadRow[]> {
    const columns = Object.keys(table.personal ?? {});
    if (columns.length === 0 || rows.length === 0) return rows;
    const opened = await this.#deps.personal.openRows(table, rows);
    const secret = columns.some((column) => Object.hasOwn(table.key, column)) ? await this.#nameSecret() : undefined;
    return rows.map((row, at) => {
      const shown = columns.map((column) => {
        const value = opened[at]?.[column] ?? null;
        return [column, isOpen(value) ? value : Object.hasOwn(table.key, column) ? named(row[column] ?? null, secret) : mask] as const;
      });
      return { ...row, ...Object.fromEntries(shown) };
    });
  }

  /** One that could not be had is asked for again. */
  async #nameSecret(): Promise<Uint8Array> {
    this.#secret ??= this.#deps.secrets.secret(secretName);
    try {
      return await this.#secret;
    } catch (error) {
      this.#secret = undefined;
      throw error;
    }
  }
}

/** There is nothing to see in it. */
function isOpen(value: ColumnValue): boolean {
  return value === null || value === '' || isErased(value);
}

function named(value: ColumnValue, secret: Uint8Array = new Uint8Array()): string {
  return `${mask}${createHmac('sha256', secret).update(String(value)).digest('hex').slice(0, nameHexChars)}`;
}

function checked({ personal = {} }: TableSpec, where: readonly ReadCondition[], field = ''): Promise<readonly ReadCondition[]> {
  const asked = where.find(({ column }) => Object.hasOwn(personal, column));
  return asked === undefined ? Promise.resolve(where) : Promise.reject(personalQuestion(`${field}${asked.column}`));
}
