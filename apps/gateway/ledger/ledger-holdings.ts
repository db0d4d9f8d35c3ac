import { LedgerSigners } from '#adapters/ledger';
import { tileWidth, type HeldRecords } from '#core/ledger';
import { hasCode } from '#kernel';
import type { LedgerPartition, LedgerStore, SecretStore } from '#ports';
import { conflict, notFound } from '../http/problem.errors.ts';
import type { LedgerReader } from './ledger-reader.ts';

export interface LedgerHoldingsDeps {
  readonly ledger: LedgerReader;
  readonly store: LedgerStore;
  readonly secrets: SecretStore;
}

export interface WantedHolding {
  /** Records of the tree. */
  readonly size: number;
  readonly withRecords: boolean;
  /** Of the whole bundle. */
  readonly exportId: string;
}

/** Signs which records a bundle holds, so that nobody can take some away and say that there were none. */
export class LedgerHoldings {
  readonly #keyFile: string | undefined;
  readonly #deps: LedgerHoldingsDeps;

  constructor(keyFile: string | undefined, deps: LedgerHoldingsDeps) {
    this.#keyFile = keyFile;
    this.#deps = deps;
  }

  /** @throws ProblemError 404 for a size that nobody has signed, 409 when the keys lie in a file that this process cannot read */
  async sign(at: LedgerPartition, { size, withRecords, exportId }: WantedHolding): Promise<string> {
    const { ledger } = this.#deps;
    const [identity, checkpoint] = await Promise.all([ledger.identity(), ledger.checkpoint(at)]);
    if (identity === undefined || checkpoint === undefined || checkpoint.size < size)
      throw notFound('unknown-tree', `The ledger has not signed ${size} records of ${at.topic}/${at.partition}.`);
    const held = withRecords ? await this.#held(at, size) : undefined;
    return (await this.#signers(identity.name)).signHolding(at, { size, held, exportId });
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
