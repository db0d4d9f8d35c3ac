import type { DomainEvent } from '#events';
import { foldChanges, type Projection, type RowChange, type TableSpec } from '#kernel';

/** The rows of one version of a projection. A stored row is a change that has been joined so far. */
export class MemoryTables {
  readonly projection: Projection<DomainEvent>;
  readonly #rows = new Map<string, Map<string, RowChange>>();

  constructor(projection: Projection<DomainEvent>) {
    this.projection = projection;
    this.clear();
  }

  clear(): void {
    for (const table of this.projection.tables) this.#rows.set(table.name, new Map());
  }

  join(changes: readonly RowChange[]): void {
    // Folded before anything is stored: a broken change must not leave half a commit behind.
    const joined = changes.map((change) => {
      const stored = this.#rows.get(change.table)?.get(identityOf(change));
      return foldChanges(this.projection.tables, stored === undefined ? [change] : [stored, change])[0] as RowChange;
    });
    for (const change of joined) this.#rows.get(change.table)?.set(identityOf(change), structuredClone(change));
  }

  rows(table: TableSpec): readonly RowChange[] {
    return [...(this.#rows.get(table.name)?.values() ?? [])];
  }
}

function identityOf({ key }: RowChange): string {
  return Object.keys(key)
    .sort()
    .map((name) => `${String(key[name]).length}:${key[name]}`)
    .join('');
}
