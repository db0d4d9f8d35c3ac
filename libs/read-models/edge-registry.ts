import { apiKeyTable } from '#domain/access';
import { edgeCountersTable, edgeStandingTable, edgeTable, type RegistryRows } from '#domain/edge';
import type { ColumnValue, TableSpec } from '#kernel';

type Row = Readonly<Record<string, ColumnValue>>;

/** As much of a store of read models as that takes. */
export interface RegistryReads {
  select(
    table: TableSpec,
    query: {
      readonly limit: number;
      readonly orderBy?: ReadonlyArray<{ readonly column: string; readonly descending?: boolean }>;
      readonly keys?: ReadonlyArray<Readonly<Record<string, string>>>;
    },
  ): Promise<readonly Row[]>;
}

const rowsMax = 10_000;

/** Everything that tells which edges there are, and how they are: what `registryOf` takes. */
export async function readRegistryRows(reads: RegistryReads): Promise<RegistryRows & { readonly counters: readonly Row[] }> {
  const [edges, counters, standings] = await Promise.all([
    reads.select(edgeTable, { limit: rowsMax }),
    reads.select(edgeCountersTable, { orderBy: [{ column: 'incarnation', descending: true }], limit: rowsMax }),
    reads.select(edgeStandingTable, { limit: rowsMax }),
  ]);
  const ids = new Set(standings.map((row) => row['key_id']).filter((id) => typeof id === 'string'));
  const keys = ids.size === 0 ? [] : await reads.select(apiKeyTable, { keys: [...ids].map((key_id) => ({ key_id })), limit: rowsMax });
  return { edges, counters, standings, keys };
}
