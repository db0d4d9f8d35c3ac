import { treeName, type LedgerSigners } from '#adapters/ledger';
import type { LedgerCheckpoint, LedgerStore } from '#ports';
import type { PartitionLedger } from './partition-ledger.ts';

export interface CheckpointerDeps {
  readonly store: LedgerStore;
  /** The keys of the ledger, `count` of them. */
  readonly signersOf: (count: number) => Promise<LedgerSigners>;
}

/** Signs what has grown. Every tree is a function of the log, so whoever signs a size signs the same root. */
export class Checkpointer {
  readonly #deps: CheckpointerDeps;
  readonly #signed = new Map<string, number>();
  /** Who has signed the list of trees last, since this one signs. */
  #listed: LedgerSigners | undefined;
  #current: { readonly count: number; readonly signers: LedgerSigners } | undefined;

  constructor(deps: CheckpointerDeps) {
    this.#deps = deps;
  }

  /**
   * Signs and keeps a checkpoint of every tree that has grown since its last one, and then the list of all of them, so that no
   * tree of the list is larger than what its checkpoints say.
   * @param ledgers with everything written that is in them
   */
  async sign(ledgers: readonly PartitionLedger[]): Promise<readonly LedgerCheckpoint[]> {
    const signers = await this.#signers();
    const grown: LedgerCheckpoint[] = [];
    for (const ledger of ledgers) {
      if (ledger.size <= (await this.#signedSize(ledger))) continue;
      grown.push({ ...ledger.at, size: ledger.size, note: signers.sign(ledger.at, ledger.head()) });
    }
    await this.#deps.store.keep(grown);
    for (const checkpoint of grown) this.#signed.set(treeName(checkpoint), checkpoint.size);
    if (grown.length > 0 || this.#listed !== signers) await this.#list(ledgers, signers);
    return grown;
  }

  async #list(ledgers: readonly PartitionLedger[], signers: LedgerSigners): Promise<void> {
    const begun = ledgers.filter(({ size }) => size > 0);
    const trees = begun.map((ledger) => ({ tree: treeName(ledger.at), ...ledger.head() }));
    // What lies before a tree that was begun anew counts as well: its list is newer than that of the tree in its place.
    const records = begun.reduce((sum, { size, at }) => sum + size + Number(at.beginsAt ?? 0n), 0);
    if (records > 0) await this.#deps.store.keepTreeList(records, signers.signTrees(trees));
    this.#listed = signers;
  }

  async #signedSize({ at }: PartitionLedger): Promise<number> {
    const known = this.#signed.get(treeName(at));
    if (known !== undefined) return known;
    const size = (await this.#deps.store.checkpoint(at))?.size ?? 0;
    this.#signed.set(treeName(at), size);
    return size;
  }

  /** The keys as they are by now; a list of new ones is kept before they sign. */
  async #signers(): Promise<LedgerSigners> {
    const count = await this.#deps.store.keyCount();
    if (this.#current?.count === count) return this.#current.signers;
    const signers = await this.#deps.signersOf(count);
    await this.#deps.store.keepKeyList(count, signers.keyList());
    this.#current = { count, signers };
    return signers;
  }
}
