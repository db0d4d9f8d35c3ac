/** One row that a rebuilt read model has otherwise than the serving one. */
export interface RowDifference {
  /** `added`: only the rebuilt model has it; `removed`: only the serving one; `changed`: both, with other values. */
  readonly kind: 'added' | 'removed' | 'changed';
  readonly key: Readonly<Record<string, unknown>>;
  /** The columns that differ, as plain JSON data; a `bigint` as decimal text, what a side does not have as null. */
  readonly columns: Readonly<Record<string, { readonly serving: unknown; readonly rebuilt: unknown }>>;
  /** Whose row it is, on either side; left out where the table does not say. */
  readonly tenants?: readonly string[];
}

/** @param sides values of the column or key `tenant` */
export function tenantsOf(...sides: readonly unknown[]): Pick<RowDifference, 'tenants'> {
  const tenants = [...new Set(sides.filter((one) => typeof one === 'string'))];
  return tenants.length === 0 ? {} : { tenants };
}

export interface TableDifference {
  readonly table: string;
  /** Rows there are. */
  readonly serving: number;
  readonly rebuilt: number;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Changed rows by column; a column `x$stamp` holds the stamp that orders the writes of a group. */
  readonly changedColumns: Readonly<Record<string, number>>;
  /** Columns that only one of the two has; their values are not compared. */
  readonly onlyServing: readonly string[];
  readonly onlyRebuilt: readonly string[];
  /** Over all rows and shared columns, whatever their order: equal exactly when the rows are. */
  readonly servingDigest: string;
  readonly rebuiltDigest: string;
  /** The first differing rows in the order of their keys. */
  readonly samples: readonly RowDifference[];
}

/** A rebuilt read model beside the serving one, both at the same positions of the log. */
export interface ModelDifference {
  readonly servingVersion: number;
  readonly rebuiltVersion: number;
  readonly equal: boolean;
  readonly comparedAtMs: number;
  /** The tables that both have. */
  readonly tables: readonly TableDifference[];
  readonly tablesOnlyServing: readonly string[];
  readonly tablesOnlyRebuilt: readonly string[];
}
