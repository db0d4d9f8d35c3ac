import { beginsAtOf, LedgerSigners } from '#adapters/ledger';
import { parseCheckpoint, parseTreeList, tileWidth, type HeldRecords, type Witnessed } from '#core/ledger';
import { hasCode } from '#kernel';
import type { Clock, LedgerPartition, LedgerStore, SecretStore } from '#ports';
import { conflict, notFound } from '../http/problem.errors.ts';
import type { LedgerReader } from './ledger-reader.ts';

export interface LedgerHoldingsDeps {
  readonly ledger: LedgerReader;
  readonly store: LedgerStore;
  readonly secrets: SecretStore;
  readonly clock: Clock;
}

export interface WantedHolding {
  /** Records of the tree. */
  readonly size: number;
  readonly withRecords: boolean;
  /** Of the whole bundle. */
  readonly exportId: string;
  /** What whoever makes the bundle has of witnesses; edges give them their part themselves. */
  readonly witnessed?: Witnessed | undefined;
}

/** Signs which records a bundle holds, so that nobody can take some away and say that there were none. */
export class LedgerHoldings {
  readonly #keyFile: string | undefined;
  readonly #deps: LedgerHoldingsDeps;

  constructor(keyFile: string | undefined, deps: LedgerHoldingsDeps) {
    this.#keyFile = keyFile;
    this.#deps = deps;
  }

  /**
   * Begins an export: gives it an id, and signs the list of its trees.
   * @throws ProblemError 404 when nothing is signed yet, 409 as `sign` does
   */
  async begin(): Promise<{ readonly exportId: string; readonly trees: string }> {
    const { ledger, clock } = this.#deps;
    const [identity, list] = await Promise.all([ledger.identity(), ledger.treeList()]);
    if (identity === undefined || list === undefined) throw notFound('nothing-yet', 'The list of trees is not signed yet.');
    const signers = await this.#signers(identity.name);
    const exportId = signers.beginExport(clock.now());
    return { exportId, trees: signers.signTrees(parseTreeList(list).trees, exportId) };
  }

  /** @throws ProblemError 404 for a size that nobody has signed, 409 for an export that nobody has begun or that is too old, and when the keys lie in a file that this process cannot read */
  async sign(at: LedgerPartition, { size, withRecords, exportId, witnessed }: WantedHolding): Promise<string> {
    const { ledger } = this.#deps;
    const [identity, checkpoint] = await Promise.all([ledger.identity(), ledger.checkpoint(at)]);
    if (identity === undefined || checkpoint === undefined || checkpoint.size < size)
      throw notFound('unknown-tree', `The ledger has not signed ${size} records of ${at.topic}/${at.partition}.`);
    const signers = await this.#signers(identity.name);
    // Else trees of a later moment could be signed as of an earlier export, whose list does not have the trees that began since.
    if (!signers.isExport(exportId, this.#deps.clock.now()))
      throw conflict('export-unknown', 'The ledger has begun no such export within the last hour. Export anew.');
    const held = withRecords ? await this.#held(at, size) : undefined;
    return signers.signHolding({ ...at, beginsAt: beginsAtOf(parseCheckpoint(checkpoint.note).origin) }, { size, held, exportId, witnessed });
  }

  /** Made anew each time: the keys stay with whoever signs checkpoints. */
  async #signers(name: string): Promise<LedgerSigners> {
    const { store, secrets } = this.#deps;
    if (this.#keyFile === undefined) return LedgerSigners.fromSecrets(name, secrets, await store.keyCount());
    try {
      return await LedgerSigners.fromFile(name, this.#keyFile);
    } catch (error) {
      if (!hasCode(error, 'LEDGER_KEY_INVALID')) throw error;
      throw conflict(
        'ledger-key-unreadable',
        `This gateway cannot sign what a bundle holds. ${error instanceof Error ? error.message : String(error)} It needs LEDGER_KEY_FILE as the projectors do.`,
      );
    }
  }

  /** Of so many that were signed; undefined when retention has removed them all. */
  async #held(at: LedgerPartition, size: number): Promise<HeldRecords | undefined> {
    const { ledger, store } = this.#deps;
    const first = await this.#first(at, await ledger.beginning(at), size);
    if (first === undefined) return undefined;
    const lastTile = Math.floor((size - 1) / tileWidth);
    const last = (await ledger.records(at, lastTile))?.find(({ index }) => index === size - 1)?.record.offset;
    // Where somebody has taken it away, whoever verifies the bundle finds that by the record.
    const lastOffset = last ?? (await store.place(at, lastTile))?.firstOffset ?? first.firstOffset;
    return { ...first, lastOffset: lastOffset > first.firstOffset ? lastOffset : first.firstOffset };
  }

  async #first(at: LedgerPartition, begin: bigint, size: number): Promise<Omit<HeldRecords, 'lastOffset'> | undefined> {
    const { ledger, store } = this.#deps;
    const place = begin === 0n ? await store.place(at, 0) : await store.placeOf(at, begin);
    if (begin === 0n) return { firstLeaf: 0, firstOffset: place?.firstOffset ?? 0n };
    for (let tile = place?.index ?? 0; tile * tileWidth < size; tile++) {
      const [first] = (await ledger.records(at, tile)) ?? [];
      if (first !== undefined) return first.index < size ? { firstLeaf: first.index, firstOffset: first.record.offset } : undefined;
    }
    return undefined;
  }
}
