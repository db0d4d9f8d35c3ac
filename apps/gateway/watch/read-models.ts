import { allows, coversContext, keysProjection, seesEveryTenant, subjectsProjection, type Principal } from '#domain/access';
import type { Context, DomainEvent } from '#events';
import type { Projection, TableSpec } from '#kernel';
import type { ReadCondition } from '#ports';
import { projections } from '#read-models';
import { notFound, ProblemError } from '../http/problem.errors.ts';

export interface ReadTable {
  readonly projection: Projection<DomainEvent>;
  readonly table: TableSpec;
}

export const readTables: readonly ReadTable[] = projections.flatMap((projection) => projection.tables.map((table) => ({ projection, table })));

/** Who may read a table: keys, tenants and the places of personal data are for those who administer them. */
export function isOpenTo({ projection, table }: ReadTable, principal: Principal): boolean {
  if ((projection === keysProjection || projection === subjectsProjection) && !allows(principal, 'admin')) return false;
  if (!projection.contexts.every((context) => coversContext(principal, context as Context))) return false;
  // What does not say whose it is, is shown to those alone from whom nothing is hidden.
  return seesEveryTenant(principal) || 'tenant' in table.columns || 'tenant' in table.key;
}

export function tablesFor(principal: Principal): readonly ReadTable[] {
  return readTables.filter((each) => isOpenTo(each, principal));
}

/** @throws ProblemError 404 for a table that is not there, 403 for one that is not for this caller */
export function tableFor(principal: Principal, name: string): ReadTable {
  const found = readTables.find(({ table }) => table.name === name);
  if (found === undefined) throw notFound('unknown-table', `There is no table ${name.slice(0, 64)}. ListTables names those there are.`);
  if (!isOpenTo(found, principal)) throw new ProblemError({ status: 403, code: 'table-not-open', detail: `The table ${name} is not open to this key.` });
  return found;
}

/** Keeps what is another tenant's out of a query. */
export function confinement(principal: Principal): readonly ReadCondition[] {
  return seesEveryTenant(principal) ? [] : [{ column: 'tenant', is: 'eq', value: principal.tenant }];
}
